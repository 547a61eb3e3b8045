import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import type { Client } from "../support/client.ts";
import { buildUser, startIm, type Im, type TestUser } from "../support/im.ts";
import { buildScene } from "../support/scene.ts";
import { assertUnchanged, dumpTables, sendersSettled } from "../support/tables.ts";

/** Somebody who goes on using the server while others misbehave. */
async function bystander(im: Im): Promise<() => Promise<void>> {
  const user = await buildUser(im);
  const client: Client = await im.connect({ token: user.token });
  return async () => {
    assert.equal((await client.send("unknown")).code, 9010);
    assert.equal((await user.rest.get("/users/me")).status, 200);
    assert.equal((await fetch(`${im.url}/health/ready`)).status, 200);
  };
}

const open = (im: Im): Socket => connect(Number(new URL(im.url).port), "127.0.0.1").on("error", () => undefined);

/** Sends bytes as they are and reads until the server closes, or says something. */
async function sendRaw(im: Im, bytes: string | Buffer): Promise<string> {
  const socket = open(im);
  let answer = "";
  const done = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      resolve();
    });
    socket.once("close", resolve);
  });
  socket.write(bytes);
  socket.end();
  await done;
  socket.destroy();
  return answer;
}

const head = (line: string, ...headers: string[]): string => [line, "Host: x", ...headers, "", ""].join("\r\n");

test("bytes that are no HTTP request are answered with 4xx or cut, and the process lives", async () => {
  await using im = await startIm();
  const stillServes = await bystander(im);
  const post = (...headers: string[]): string =>
    head("POST /api/v1/users/login HTTP/1.1", "Content-Type: application/json", ...headers);
  const requests: (string | Buffer)[] = [
    ...[
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "\u0000\u0001\u0002\r\n\r\n",
      "HELO x\r\n\r\n",
      "GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ...[
      head("GET http:// HTTP/1.1"),
      head("GET //// HTTP/1.1"),
      head("GET * HTTP/1.1"),
      head("GET /%2e%2e/%00 HTTP/1.1"),
      head("GET ?/ HTTP/1.1"),
    ],
    ...["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"],
    head("GET / HTTP/1.1", `X: ${"x".repeat(20_000)}`),
    head("GET / HTTP/1.1", ...Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1`)),
    head(`GET /${"x".repeat(20_000)} HTTP/1.1`),
    post("Content-Length: -1"),
    post("Content-Length: 1e9"),
    post("Content-Length: 5", "Content-Length: 6"),
    post("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    post("Transfer-Encoding: chunked") + "zz\r\n{}\r\n0\r\n\r\n",
    post("Transfer-Encoding: chunked") + "ffffffffffffffff\r\n{}",
    post("Transfer-Encoding: gzip") + "x",
    post("Content-Encoding: gzip", "Content-Length: 5") + "\u001f\u008bxxx",
    post("Content-Length: 99999999999") + "{",
    post("Expect: 200-maybe", "Content-Length: 2") + "{}",
    randomBytes(4_096),
    Buffer.concat([Buffer.from("POST / HTTP/1.1\r\nHost: x\r\n"), randomBytes(300)]),
  ];
  for (const request of requests) {
    const answer = await sendRaw(im, request);
    const shown = `${request.toString().slice(0, 60)} gave ${answer.slice(0, 100)}`;
    assert.match(answer, /^$|^HTTP\/1\.1 (100|4\d\d|505) /, shown);
    assert.doesNotMatch(answer, /node_modules|\.ts:|Error:/, shown);
  }
  await stillServes();
});

test("an upgrade that is none is refused, and the process lives", async () => {
  await using im = await startIm();
  const stillServes = await bystander(im);
  const upgrade = (path: string, ...headers: string[]): string =>
    head(`GET ${path} HTTP/1.1`, "Connection: Upgrade", "Upgrade: websocket", ...headers);
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const path = "/socket.io/?EIO=4&transport=websocket";
  const requests = [
    upgrade(path),
    upgrade(path, "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"),
    upgrade(path, key, "Sec-WebSocket-Version: 99"),
    upgrade("/socket.io/?EIO=4&transport=polling", key, "Sec-WebSocket-Version: 13"),
    upgrade("/socket.io/?EIO=4&transport=__proto__", key, "Sec-WebSocket-Version: 13"),
    upgrade("/socket.io/?EIO=4&transport=constructor", key, "Sec-WebSocket-Version: 13"),
    upgrade("/socket.io/?EIO=4&transport=websocket&sid=__proto__", key, "Sec-WebSocket-Version: 13"),
    upgrade("/socket.io/?EIO=4&EIO=4&transport[]=websocket", key, "Sec-WebSocket-Version: 13"),
    upgrade("/api/v1/users/me", key, "Sec-WebSocket-Version: 13"),
    upgrade("/", key, "Sec-WebSocket-Version: 13"),
    head("GET /socket.io/?EIO=4&transport=polling HTTP/1.1"),
    head("POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1", "Content-Length: 1") + "9",
    head("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c"),
  ];
  for (const request of requests) {
    const answer = await sendRaw(im, request);
    assert.match(answer, /^$|^HTTP\/1\.1 4\d\d /, `${request.slice(0, 200)} gave ${answer.slice(0, 100)}`);
  }
  await stillServes();
});

/** A frame of a client: masked unless told. */
function frame(
  opcode: number,
  payload: Buffer,
  { fin = true, masked = true, length = payload.length, reserved = 0 } = {},
): Buffer {
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const flag = masked ? 0x80 : 0;
  const size =
    length < 126 ? Buffer.from([first, flag | length]) : Buffer.concat([Buffer.from([first, flag | 127]), bigLength(length)]);
  return Buffer.concat([size, ...(masked ? [Buffer.alloc(4)] : []), payload]);
}
function bigLength(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/** A WebSocket connection that has been opened by hand. */
async function upgraded(im: Im): Promise<Socket> {
  const socket = open(im);
  socket.write(
    head(
      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
      ...[
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      ],
    ),
  );
  const [first] = (await once(socket, "data")) as [Buffer];
  assert.match(first.toString("latin1"), /^HTTP\/1\.1 101 /);
  return socket;
}

test("frames that break the rules of WebSocket end their connection alone", async () => {
  await using im = await startIm();
  const stillServes = await bystander(im);
  const frames: Buffer[] = [
    frame(1, Buffer.from("40"), { masked: false }),
    frame(3, Buffer.from("x")),
    frame(15, Buffer.from("x")),
    frame(1, Buffer.from("40"), { reserved: 4 }),
    frame(0, Buffer.from("continues nothing")),
    frame(9, Buffer.alloc(130)),
    frame(9, Buffer.from("x"), { fin: false }),
    frame(8, Buffer.from([0])),
    frame(8, Buffer.from([0, 1])),
    frame(1, Buffer.from([0xff, 0xfe, 0xfd])),
    frame(1, Buffer.from("x"), { length: 2 ** 52 }),
    frame(2, randomBytes(200)),
    Buffer.concat([frame(1, Buffer.from("4"), { fin: false }), frame(1, Buffer.from("0"))]),
    randomBytes(1_000),
  ];
  for (const bytes of frames) {
    const socket = await upgraded(im);
    const closed = once(socket, "close");
    socket.resume().write(bytes);
    socket.end();
    await closed;
  }
  await stillServes();
});

/** Sends packets of Engine.IO as texts or bytes, each on a connection of its own, signed in first where a token is given. */
async function sendPackets(im: Im, user: TestUser | null, ...packets: (string | Buffer)[]): Promise<void> {
  const socket = new WebSocket(`${im.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  await once(socket, "message");
  if (user) {
    socket.send(`40${JSON.stringify({ token: user.token })}`);
    const [answer] = (await once(socket, "message")) as [Buffer];
    assert.match(answer.toString(), /^40\{"sid"/);
  }
  for (const packet of packets) socket.send(packet);
  // The answer to a last event: all before it has been taken, unless the connection is closed by then.
  const answered = new Promise<void>((resolve) =>
    socket.on("message", (data: Buffer) => data.toString().startsWith("43") && resolve()),
  );
  socket.send('4299999["unknown"]');
  if (user) await Promise.race([answered, closed]);
  socket.close();
  await closed;
}

test("packets that are none of Engine.IO or Socket.IO harm nobody, signed in or not", async () => {
  await using im = await startIm();
  const stillServes = await bystander(im);
  const { people, names } = await buildScene(im);
  await sendersSettled(im.sql);
  const before = await dumpTables(im.sql);
  const deep = (depth: number): string => `42["message:send",${'{"a":'.repeat(depth)}1${"}".repeat(depth)}]`;
  const packets: (string | Buffer)[][] = [
    ...["", "9", "x", "2probe", "3", "5", "1", "6", "0{}", "4", "49", "4\u0000", "b", "bAAAA", "\ufffd"].map((packet) => [
      packet,
    ]),
    ...["40{", "40null", "40[]", "40/admin,{}", "40/,{}", "41", "41/x", '44{"message":"x"}', "40"].map((packet) => [packet]),
    ...["42", "42{}", "42null", "42[]", "42[null]", "42[{}]", '42["x"', '42["message:send"', "42[1,2]", '42[["x"]]'].map(
      (packet) => [packet],
    ),
    ...[
      '42["disconnect"]',
      '42["connect"]',
      '42["connect_error"]',
      '42["disconnecting"]',
      '42["newListener"]',
      '42["removeListener"]',
      '42["error"]',
      '42["error",{}]',
    ].map((packet) => [packet]),
    ...[
      '42["__proto__"]',
      '42["constructor",{}]',
      '42["toString"]',
      '42["message:send",{"__proto__":{"x":1}}]',
      '42["hasOwnProperty"]',
    ].map((packet) => [packet]),
    ...[
      '42-1["x"]',
      '421e9["x"]',
      '4299999999999999999999["unknown"]',
      '42/none,["x"]',
      '42/none,1["x"]',
      "43[]",
      '431["x"]',
      '4399999["x"]',
      "43{}",
    ].map((packet) => [packet]),
    ...[
      '451-["x",{"_placeholder":true,"num":0}]',
      '45999999-["x"]',
      '45-1-["x"]',
      "45",
      '451["x"]',
      '450-["x"]',
      '451-["x"]42["x"]',
    ].map((packet) => [packet]),
    ['451-["x",{"_placeholder":true,"num":0}]', randomBytes(10)],
    ['451-["x",{"_placeholder":true,"num":5}]', randomBytes(10)],
    ['451-["x",{"_placeholder":true,"num":"__proto__"}]', randomBytes(10)],
    ['451-["message:send",{"_placeholder":true,"num":0}]', randomBytes(10)],
    [`451-["message:send",${'{"a":'.repeat(20_000)}{"_placeholder":true,"num":0}${"}".repeat(20_000)}]`, randomBytes(10)],
    [randomBytes(100), randomBytes(100)],
    [deep(100)],
    [deep(20_000)],
    [`42["message:send",${"[".repeat(60_000)}${"]".repeat(60_000)}]`],
    [`42["message:send",{${Array.from({ length: 9_000 }, (_, index) => `"f${index}":0`).join()}}]`],
    [
      `42["message:send",{"conversationId":"${names.conversationId}","clientMsgId":"x","type":"custom","content":{"kind":"x","data":${"[".repeat(30)}${"]".repeat(30)}}}]`,
    ],
    Array.from({ length: 500 }, () => '42["unknown"]'),
  ];
  for (const some of packets) for (const user of [people.owner, null]) await sendPackets(im, user, ...some);
  await assertUnchanged(im.sql, before);
  await stillServes();
});

test("a connection that never says who it is, or goes away in the middle, is forgotten", async () => {
  await using im = await startIm();
  const stillServes = await bystander(im);
  const { token } = await buildUser(im);
  for (const packet of ["", "40", `40${JSON.stringify({ token })}`, `40${JSON.stringify({ token })}42["message:send",`]) {
    const socket = new WebSocket(`${im.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    await once(socket, "open");
    socket.send(packet);
    socket.terminate();
  }
  for (const bytes of ["GET /api", "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"]) {
    const socket = open(im);
    await new Promise((resolve) => socket.write(bytes, resolve));
    socket.destroy();
  }
  await stillServes();
});
