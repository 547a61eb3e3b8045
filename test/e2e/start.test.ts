import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { SAME_SIGNAL_MS } from "../../runtime/process-events.ts";
import { freePort, runProcess, runServer, startServer, temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";
import { builtWebClient } from "../support/web-client.ts";

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a started server greets with its address, its data folder and calls that work when pasted", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path });
  await waitFor(() => server.written.out.includes("npm run repl"), "the greeting");
  const { out } = server.written;
  assert.match(out, new RegExp(`Open it in a browser +${server.url}\n`));
  for (const told of [server.url, folder.path, `${server.url}/docs`, "/metrics", "npm run demo"])
    assert.ok(out.includes(told), told);
  const calls = out.split("\n").filter((line) => line.includes("curl "));
  assert.equal(calls.length, 3);
  const { stdout } = await promisify(execFile)("bash", ["-c", calls.join("\n")]);
  const answers = jsonLines(stdout);
  assert.deepEqual(
    answers.map(({ code }) => code),
    [0, 0],
  );
  assert.equal((answers[1]?.["data"] as { username: string }).username, "alice");
});

test("a start in peace writes nothing to stderr and few lines, one JSON object each", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path });
  const entries = await waitFor(() => {
    const lines = jsonLines(server.written.out);
    return lines.some(({ msg }) => msg === "Ready") ? lines : null;
  }, "the entry that says that it is ready");
  assert.ok(entries.length <= 5, JSON.stringify(entries));
  for (const { time, level, from } of entries) assert.ok(time && from && level === "info");
  assert.equal(server.written.err, "");
});

test("a quiet log level greets nobody", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path, IM_LOG_LEVEL: "warn" });
  server.child.kill("SIGTERM");
  assert.equal(await server.ended, 0);
  assert.equal(server.written.out, "");
});

test("the id of a request stands in its answer and in the log of each action it caused", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path, IM_LOG_LEVEL: "debug" });
  const answer = await fetch(`${server.url}/api/v1/users/me`, {
    headers: { Authorization: "Bearer none", "X-Request-Id": "find-me-7" },
  });
  assert.equal(answer.headers.get("x-request-id"), "find-me-7");
  const entries = await waitFor(() => {
    const mine = jsonLines(server.written.out).filter(({ requestID }) => requestID === "find-me-7");
    return mine.some(({ from }) => from === "action") ? mine : null;
  }, "the action in the log");
  assert.ok(
    entries.some(({ msg }) => msg === "auth.verify UNAUTHENTICATED"),
    JSON.stringify(entries),
  );
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} ends the server with 0, and what was acknowledged is there again afterwards`, async () => {
    await using folder = await temporaryFolder();
    const account = JSON.stringify({ username: "keeper", password: "lantern-quartz-42" });
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: account };
    {
      await using server = await startServer({ IM_DATA_DIR: folder.path });
      assert.equal((await fetch(`${server.url}/api/v1/users/register`, request)).status, 201);
      server.child.kill(signal);
      assert.equal(await server.ended, 0);
      assert.equal(server.written.err, "");
    }
    await using again = await startServer({ IM_DATA_DIR: folder.path });
    assert.equal((await fetch(`${again.url}/api/v1/users/login`, request)).status, 200);
  });
}

test("npm start serves the web client; a signal to it reaches the server, and npm ends with its 0", async () => {
  await builtWebClient();
  await using folder = await temporaryFolder();
  const port = await freePort();
  const env = { IM_DATA_DIR: folder.path, IM_PORT: String(port), IM_METRICS_PORT: "0" };
  await using npm = runProcess(["start"], env, "npm");
  await waitFor(() => npm.written.out.includes("npm run repl"), "the greeting", 20_000);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  assert.deepEqual([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  assert.doesNotMatch(npm.written.err, /Building/, "what is built already is not built again");
  npm.child.kill("SIGTERM");
  assert.equal(await npm.ended, 0);
  assert.match(npm.written.out, /"msg":"Stopped"/);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health/live`));
});

test("a second signal ends the server at once, whatever is still in work", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path });
  const { hostname, port } = new URL(server.url);
  const slow = connect(Number(port), hostname);
  slow.on("error", () => undefined);
  slow.write("POST /api/v1/users/login HTTP/1.1\r\nHost: im\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
  await waitFor(() => slow.bytesWritten > 0 && !slow.pending, "the unfinished request to arrive");
  await fetch(`${server.url}/health/live`);
  server.child.kill("SIGTERM");
  await waitFor(() => server.written.out.includes("Stopping on SIGTERM"), "the first signal to be heard");
  await delay(SAME_SIGNAL_MS + 50);
  server.child.kill("SIGTERM");
  assert.equal(await server.ended, 128 + 15);
  slow.destroy();
});

test("an error that nobody caught is logged and the server lives", async () => {
  await using folder = await temporaryFolder();
  const stray =
    "process.once('SIGUSR2', () => { Promise.reject(new Error('stray')); setTimeout(() => { throw new Error('thrown'); }); })";
  await using server = await startServer({
    IM_DATA_DIR: folder.path,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(stray)}`,
  });
  server.child.kill("SIGUSR2");
  // The words of both are in the trace of each, since that names the code by its text.
  const levels = (): unknown[] => jsonLines(server.written.out).flatMap(({ err, level }) => (err ? [level] : []));
  await waitFor(() => levels().length >= 2, "both errors in the log");
  assert.deepEqual(levels(), ["error", "fatal"]);
  assert.equal((await fetch(`${server.url}/health/ready`)).status, 200);
});

/** Settings that cannot work, by what is wrong with them, and what the one line must say. */
const refusals: [string, (folder: string) => Promise<Record<string, string>>, RegExp][] = [
  ["a value that is none", async (folder) => ({ IM_DATA_DIR: folder, IM_PORT: "many" }), /IM_PORT="many": must be an integer/],
  [
    "an unknown setting",
    async (folder) => ({ IM_DATA_DIR: folder, IM_PROT: "1" }),
    /IM_PROT is no setting; did you mean IM_PORT/,
  ],
  ["an unknown service", async (folder) => ({ IM_DATA_DIR: folder, IM_SERVICES: "user,chat" }), /no service is called chat/],
  [
    "a data folder below a file",
    async (folder) => {
      await writeFile(join(folder, "file"), "");
      return { IM_DATA_DIR: join(folder, "file", "data") };
    },
    /IM_DATA_DIR=.*must be a folder that can be written to/,
  ],
  ["a data folder where none can be made", async () => ({ IM_DATA_DIR: "/proc/im/data" }), /IM_DATA_DIR=.*must be a folder/],
  [
    "a database that is none",
    async (folder) => {
      await mkdir(join(folder, "data"));
      await writeFile(join(folder, "data", "im.sqlite"), "not a database, but long enough to be looked at ".repeat(100));
      return { IM_DATA_DIR: join(folder, "data"), IM_PORT: "0" };
    },
    /Cannot open the database .*im\.sqlite: file is not a database/,
  ],
];

for (const [what, settings, line] of refusals) {
  test(`${what} ends the start with one line on stderr and code 1`, async () => {
    await using folder = await temporaryFolder();
    await using server = runServer(await settings(folder.path));
    assert.equal(await server.ended, 1);
    assert.match(server.written.err, line);
    assert.equal(server.written.err.trim().split("\n").length, 1, server.written.err);
    assert.equal(server.written.out, "");
  });
}

test("a taken port ends the start with one line on stderr and code 1", async () => {
  await using folder = await temporaryFolder();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  try {
    const { port } = other.address() as AddressInfo;
    await using server = runServer({ IM_DATA_DIR: folder.path, IM_PORT: String(port) });
    assert.equal(await server.ended, 1);
    assert.equal(server.written.err, `moleculer-im: Port ${port} on 127.0.0.1 is taken; set IM_PORT to another\n`);
  } finally {
    other.close();
  }
});

test("a second process on the same data folder is refused, and takes over when the first was killed", async () => {
  await using folder = await temporaryFolder();
  const first = await startServer({ IM_DATA_DIR: folder.path });
  {
    await using second = runServer({ IM_DATA_DIR: folder.path, IM_PORT: "0" });
    assert.equal(await second.ended, 1);
    assert.match(second.written.err, /^moleculer-im: The data folder .* is in use by another process[^\n]*\n$/);
  }
  await first[Symbol.asyncDispose](); // SIGKILL
  await using third = await startServer({ IM_DATA_DIR: folder.path });
  assert.equal((await fetch(`${third.url}/health/ready`)).status, 200);
});
