import { createSocket } from "node:dgram";
import { once } from "node:events";

/** A name server of one name on 127.0.0.1. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
  /** What every question for an IPv4 address is answered with. */
  addresses: readonly string[];
}

const HEADER_BYTES = 12;
const TTL_S = 1;

export async function openNameServer(...addresses: string[]): Promise<NameServer> {
  const socket = createSocket("udp4");
  const server: NameServer = {
    addresses,
    get port() {
      return socket.address().port;
    },
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
  socket.on("message", (question, { port, address }) => socket.send(answer(question, server.addresses), port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return server;
}

/** The question again, and an A record for each address. */
function answer(question: Buffer, addresses: readonly string[]): Buffer {
  const header = Buffer.from(question.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(0x8180, 2); // an answer, without an error
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt32BE(0, 8); // nothing but answers
  const nameEnd = question.indexOf(0, HEADER_BYTES) + 1;
  const asked = question.subarray(HEADER_BYTES, nameEnd + 4);
  return Buffer.concat([header, asked, ...addresses.map(record)]);
}

function record(address: string): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 + HEADER_BYTES, 0); // the name of the question
  head.writeUInt16BE(1, 2); // A
  head.writeUInt16BE(1, 4); // internet
  head.writeUInt32BE(TTL_S, 6);
  head.writeUInt16BE(4, 10);
  return Buffer.concat([head, Buffer.from(address.split(".").map(Number))]);
}
