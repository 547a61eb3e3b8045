import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to outgoing connections: else a client that tries a server which is down could be given
 * the server's own port, talk to itself, and keep the server from coming back.
 */
const FIRST_PORT = 20_000;
const END_PORT = 32_000;
const TRIES = 200;

/** Whether a server could listen on 127.0.0.1 there now. */
export async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen({ port, host: "127.0.0.1", exclusive: true });
    await once(probe, "listening");
    probe.close();
    await once(probe, "close");
    return true;
  } catch {
    return false;
  }
}

/** As many different ports as asked for, free a moment ago. */
export async function freePorts(count: number): Promise<[number, ...number[]]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count && tries < TRIES; tries++) {
    const port = randomInt(FIRST_PORT, END_PORT);
    if (await isFree(port)) ports.add(port);
  }
  const [first, ...others] = ports;
  if (first === undefined || ports.size < count) throw new Error(`no free port between ${FIRST_PORT} and ${END_PORT - 1}`);
  return [first, ...others];
}
