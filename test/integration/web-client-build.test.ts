import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { prepareWebClient } from "../../scripts/web-client/index.ts";
import { hashOfSources, isFresh } from "../../scripts/web-client/sources.ts";
import { ROOT, runProcess, temporaryFolder } from "../support/server-process.ts";

const PAGE = '<!doctype html><title>x</title><script type="module" src="/main.js"></script>';
/** Enough that it gets smaller. */
const wordsOf = (word: string): string => `document.title = "${`${word} `.repeat(300)}";`;

/** A checkout with a client that is built within a second. */
async function checkout(): Promise<{ path: string } & AsyncDisposable> {
  const root = await temporaryFolder();
  await mkdir(join(root.path, "web"));
  await mkdir(join(root.path, "contracts"));
  await symlink(join(ROOT, "node_modules"), join(root.path, "node_modules"));
  await writeFile(join(root.path, "package-lock.json"), "{}");
  await writeFile(join(root.path, "contracts/limits.ts"), "export const LIMIT = 1;");
  await writeFile(join(root.path, "web/index.html"), PAGE);
  await writeFile(join(root.path, "web/main.js"), wordsOf("first"));
  return root;
}

async function prepare(root: string): Promise<string[]> {
  const lines: string[] = [];
  await prepareWebClient(root, (line) => lines.push(line));
  return lines;
}

async function scriptOf(root: string): Promise<string> {
  const assets = join(root, "web/dist/assets");
  const [name = ""] = (await readdir(assets)).filter((one) => one.endsWith(".js"));
  return readFile(join(assets, name), "utf8");
}

const BUILT = [/^Building the web client, once \(about \d+ s\)/, /^The web client is built after [\d.]+ s$/];

function assertBuilt(lines: readonly string[]): void {
  assert.equal(lines.length, BUILT.length, lines.join("\n"));
  BUILT.forEach((pattern, i) => assert.match(lines[i] ?? "", pattern));
}

test("the client is built when it is missing, and again when something that it is made of has changed", async () => {
  await using root = await checkout();
  assertBuilt(await prepare(root.path));
  assert.match(await scriptOf(root.path), /first/);
  assert.deepEqual(await prepare(root.path), []);
  const changes: [file: string, text: string][] = [
    ["web/main.js", wordsOf("second")],
    ["contracts/limits.ts", "export const LIMIT = 2;"],
    ["package-lock.json", '{ "version": 2 }'],
    ["web/new.js", "export {};"],
  ];
  const hashes = new Set([hashOfSources(root.path)]);
  for (const [file, text] of changes) {
    await writeFile(join(root.path, file), text);
    assert.equal(isFresh(root.path), false, file);
    hashes.add(hashOfSources(root.path));
  }
  assert.equal(hashes.size, 5);
  assertBuilt(await prepare(root.path));
  assert.match(await scriptOf(root.path), /second/);
  assert.deepEqual(await prepare(root.path), []);
});

test("tests, declarations and what building leaves behind make no new build", async () => {
  await using root = await checkout();
  const before = hashOfSources(root.path);
  for (const folder of ["web/test", "web/dist", "web/.build", "web/node_modules"]) {
    await mkdir(join(root.path, folder), { recursive: true });
    await writeFile(join(root.path, folder, "file.ts"), "1");
  }
  for (const file of ["web/components.d.ts", "web/main.test.ts", "web/README.md"]) await writeFile(join(root.path, file), "1");
  assert.equal(hashOfSources(root.path), before);
});

test("what gets smaller is compressed beside itself", async () => {
  await using root = await checkout();
  await prepare(root.path);
  const assets = join(root.path, "web/dist/assets");
  const names = (await readdir(assets)).sort();
  const [name = ""] = names;
  assert.deepEqual(names, [name, `${name}.br`, `${name}.gz`]);
  const plain = await readFile(join(assets, name));
  assert.deepEqual(brotliDecompressSync(await readFile(join(assets, `${name}.br`))), plain);
  assert.deepEqual(gunzipSync(await readFile(join(assets, `${name}.gz`))), plain);
  assert.equal(existsSync(join(root.path, "web/dist/index.html.br")), false, "one packet holds it anyway");
});

test("of processes that come at once one builds, and the other finds it done", async () => {
  await using root = await checkout();
  const module = JSON.stringify(join(ROOT, "scripts/web-client/index.ts"));
  const program = `import { prepareWebClient } from ${module};
    await prepareWebClient(${JSON.stringify(root.path)}, console.log);
    const { existsSync } = await import("node:fs");
    console.log(existsSync(${JSON.stringify(join(root.path, "web/dist/index.html"))}));`;
  const start = (): ReturnType<typeof runProcess> => runProcess(["--input-type=module-typescript", "--eval", program]);
  await using one = start();
  await using other = start();
  assert.deepEqual(await Promise.all([one.ended, other.ended]), [0, 0]);
  const lines = (one.written.out + other.written.out).trim().split("\n");
  assert.equal(lines.filter((line) => line === "true").length, 2);
  assertBuilt(lines.filter((line) => line !== "true" && !line.startsWith("Waiting for the web client")));
  assert.equal(one.written.err + other.written.err, "");
});

test("a build that fails is told in a line, and what was built before stays whole", async () => {
  await using root = await checkout();
  await writeFile(join(root.path, "web/main.js"), 'import "./missing.js";');
  const [, line = "", ...more] = await prepare(root.path);
  assert.match(line, /^The web client cannot be built, there is none: .*'\.\/missing\.js'.*npx vite build web/);
  assert.doesNotMatch(line, /[\n\x1b]/);
  assert.deepEqual(more, []);
  assert.equal(existsSync(join(root.path, "web/dist")), false);

  await writeFile(join(root.path, "web/missing.js"), wordsOf("found"));
  assertBuilt(await prepare(root.path));
  await rm(join(root.path, "web/missing.js"));
  const [, again = ""] = await prepare(root.path);
  assert.match(again, /cannot be built, the one built before is served: /);
  assert.match(await scriptOf(root.path), /found/);
});

test("where vite is not installed, what was brought along is used, and a missing client is told in a line", async () => {
  await using root = await checkout();
  await rm(join(root.path, "node_modules"));
  assert.match((await prepare(root.path)).join("\n"), /^The web client is not built, and vite, .*`npm ci`[^\n]*$/);
  await mkdir(join(root.path, "web/dist"));
  await writeFile(join(root.path, "web/dist/index.html"), "brought along");
  assert.deepEqual(await prepare(root.path), []);
  assert.equal(await readFile(join(root.path, "web/dist/index.html"), "utf8"), "brought along");
  await rm(join(root.path, "web"), { recursive: true });
  assert.deepEqual(await prepare(root.path), []);
});
