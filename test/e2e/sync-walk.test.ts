import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { startIm } from "../support/im.ts";
import { ROOT } from "../support/server-process.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

test("a client in another language, written by docs/sync.md, has what the server has", { skip: !hasPython }, async () => {
  await using im = await startIm();
  const walk = spawn("python3", [join(ROOT, "examples/sync_client.py"), im.url], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, problem, [code]] = await Promise.all([
    text(walk.stdout),
    text(walk.stderr),
    once(walk, "close") as Promise<[number]>,
  ]);
  assert.equal(code, 0, `${out}\n${problem}`);
  assert.match(out, /has 52 messages, up to 52\nhas 62 messages, up to 62\n/);
  assert.match(out, /the client has what the server has: 62 messages/);
});

test("docs/sync.md names all fields of a request and an answer", async () => {
  const guide = await readFile(join(ROOT, "docs/sync.md"), "utf8");
  const { syncContract } = await import("../../contracts/services/sync.ts");
  for (const schema of [syncContract.pull.params, syncContract.pull.result, syncContract.messages.result])
    for (const name of Object.keys(schema.properties)) assert.ok(guide.includes(`\`${name}\``), name);
});
