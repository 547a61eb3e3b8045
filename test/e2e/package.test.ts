import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT, runProcess, temporaryFolder } from "../support/server-process.ts";

const run = promisify(execFile);

const HOST = `
import { createIm } from "moleculer-im";
const im = createIm({ dataDir: "data", port: 0, metricsPort: 0, logLevel: "warn" });
await im.start();
console.log((await fetch(im.url + "/health/ready")).status);
console.log((await fetch(im.url)).headers.get("content-type"));
await im.stop();
`;
const TYPED_HOST = `
import { createIm, type Im, type LogEntry } from "moleculer-im";
const im: Im = createIm({ port: 0, kickPolicy: "class", onLog: (entry: LogEntry) => void entry.msg });
const url: string = im.url;
// @ts-expect-error no such policy
createIm({ kickPolicy: "some" });
export { url };
`;

/** Packs the project as it would be published, and unpacks it beside its dependencies as an installation would. */
async function installPacked(folder: string): Promise<string> {
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: ROOT });
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await run("tar", ["-xzf", join(folder, stdout.trim().split("\n").at(-1) ?? ""), "-C", folder]);
  const installed = join(modules, "moleculer-im");
  await run("mv", [join(folder, "package"), installed]);
  await symlink(join(ROOT, "node_modules"), join(installed, "node_modules"));
  return installed;
}

test("the packed project is a library that starts, serves the web client, has types, and says which Node it needs", async () => {
  await using folder = await temporaryFolder();
  const installed = await installPacked(folder.path);
  const { files } = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as { files: string[] };
  assert.ok(files.includes("dist"));
  await writeFile(join(folder.path, "host.mjs"), HOST);
  await writeFile(join(folder.path, "host.mts"), TYPED_HOST);

  await using host = runProcess([join(folder.path, "host.mjs")]);
  assert.equal(await host.ended, 0);
  assert.deepEqual(host.written, { out: "200\ntext/html; charset=utf-8\n", err: "" });

  const tsc = [join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"];
  const types = ["--target", "esnext", "--typeRoots", join(ROOT, "node_modules/@types"), "--types", "node"];
  await run(process.execPath, [...tsc, ...types, join(folder.path, "host.mts")], { cwd: folder.path });

  const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.1.0' } })";
  await using old = runProcess(["--import", `data:text/javascript,${encodeURIComponent(older)}`, join(folder.path, "host.mjs")]);
  assert.equal(await old.ended, 1);
  assert.deepEqual(old.written, { out: "", err: "moleculer-im needs Node 24 or newer; this is Node 22.1.0.\n" });
});
