import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { ROOT, runProcess, temporaryFolder } from "../support/server-process.ts";
import { endOf } from "../support/servers-command.ts";
import type { Ended } from "../support/servers-command.ts";
import { waitFor } from "../support/wait.ts";

/** The runner on the tests of another folder. */
const runner = (root: string): string => `
  import { runTests } from ${JSON.stringify(join(ROOT, "scripts/test-run.ts"))};
  import { selectFiles } from ${JSON.stringify(join(ROOT, "scripts/test-files.ts"))};
  const root = ${JSON.stringify(root)};
  const prepare = async () => ({ argv: [], stop: async () => undefined });
  process.exitCode = await runTests({ root, files: selectFiles(root, process.argv.slice(2)), prepare });`;

const CONFIG = "export default { test: { globals: true, maxWorkers: 1 } };";
const PASSES = 'it("passes", () => expect(1).toBe(1));';

async function folderOfTests(files: Record<string, string>): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const all = { "run.ts": runner(folder.path), "sdk/vitest.config.mjs": CONFIG, "web/vitest.config.mjs": CONFIG, ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return folder;
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

/** The last line and the exit code of a run of these files. */
async function runOf(files: Record<string, string>, ...filters: string[]): Promise<readonly [string, Ended["code"]]> {
  await using folder = await folderOfTests(files);
  const { code, out } = await endOf(runProcess([join(folder.path, "run.ts"), ...filters]));
  return [lastLine(out), code];
}

describe("a run of the clients' tests", () => {
  it("counts them together with the others", async () => {
    const files = {
      "test/unit/one.test.ts": 'import { it } from "node:test"; it("passes", () => {});',
      "sdk/test/inner/two.test.ts": `describe("s", () => { ${PASSES} ${PASSES} });`,
      "web/test/three.test.ts": `${PASSES} it.skip("skipped", () => {}); it.todo("later"); it("noted", (test) => test.skip("no room"));`,
    };
    await using folder = await folderOfTests(files);
    const { code, out } = await endOf(runProcess([join(folder.path, "run.ts")]));
    assert.equal(lastLine(out), "4 passed, 0 failed, 3 skipped");
    assert.equal(code, 0);
    assert.match(out, /^ {2}1: no room$/m);
    assert.match(out, /^ {2}2: no reason given$/m);
    const chosen = await endOf(runProcess([join(folder.path, "run.ts"), "sdk", "three"]));
    assert.equal(lastLine(chosen.out), "3 passed, 0 failed, 3 skipped");
  });

  it("fails with a test that fails, in whatever client", async () => {
    const fails = 'it("fails", () => expect(1).toBe(2));';
    assert.deepEqual(await runOf({ "sdk/test/a.test.ts": PASSES + fails, "web/test/b.test.ts": PASSES }), [
      "2 passed, 1 failed",
      1,
    ]);
    assert.deepEqual(await runOf({ "sdk/test/a.test.ts": PASSES, "web/test/b.test.ts": fails }), ["1 passed, 1 failed", 1]);
  });

  it("says at the end what failed, also where clients' tests came after it", async () => {
    await using folder = await folderOfTests({
      "test/unit/one.test.ts": 'import { it } from "node:test"; it("fails", () => { throw new Error("of the server"); });',
      "web/test/b.test.ts": PASSES,
    });
    const { out } = await endOf(runProcess([join(folder.path, "run.ts")]));
    const [, end = ""] = out.split("b.test.ts");
    assert.match(end, /failing tests:[^]*of the server[^]*1 passed, 1 failed\n$/);
  });

  it("fails with a file that does not load, and one without a test", async () => {
    const files = {
      "sdk/test/load.test.ts": `import "./gone.ts"; ${PASSES}`,
      "sdk/test/none.test.ts": "",
      "sdk/test/good.test.ts": PASSES,
    };
    assert.deepEqual(await runOf(files), ["1 passed, 2 failed", 1]);
  });

  it("fails with a hook that fails, and counts it once", async () => {
    const before = `describe("s", () => { beforeAll(() => { throw new Error("hook"); }); ${PASSES} });`;
    const after = `describe("s", () => { afterAll(() => { throw new Error("hook"); }); ${PASSES} });`;
    assert.deepEqual(await runOf({ "sdk/test/before.test.ts": before }), ["0 passed, 1 failed, 1 skipped", 1]);
    assert.deepEqual(await runOf({ "sdk/test/after.test.ts": after }), ["1 passed, 1 failed", 1]);
  });

  it("fails with an error that nobody awaited, and with a test that ends its process", async () => {
    const rejects = `it("rejects", () => { void Promise.reject(new Error("lost")); }); ${PASSES}`;
    assert.deepEqual(await runOf({ "sdk/test/rejects.test.ts": rejects }), ["2 passed, 1 failed", 1]);
    const [line, code] = await runOf({ "sdk/test/ends.test.ts": 'it("ends", () => { process.kill(process.pid, "SIGKILL"); });' });
    assert.match(line, /^0 passed, [1-9]\d* failed$/);
    assert.equal(code, 1);
  });

  it("fails when Vitest does not start, and when it leaves out a file that was chosen", async () => {
    const broken = { "sdk/vitest.config.mjs": "throw new Error('no configuration');", "sdk/test/a.test.ts": PASSES };
    assert.deepEqual(await runOf({ ...broken, "web/test/b.test.ts": PASSES }), ["1 passed, 1 failed", 1]);
    const narrow = "export default { test: { globals: true, include: ['test/a.test.ts'] } };";
    const files = { "sdk/vitest.config.mjs": narrow, "sdk/test/a.test.ts": PASSES, "sdk/test/b.test.ts": PASSES };
    assert.deepEqual(await runOf(files), ["1 passed, 1 failed", 1]);
  });

  it("fails with a test that is alone by mistake", async () => {
    const [line, code] = await runOf({ "sdk/test/only.test.ts": `it.only("alone", () => {}); ${PASSES}` });
    assert.match(line, /[1-9]\d* failed/);
    assert.equal(code, 1);
  });

  it("ends what runs upon a signal", async () => {
    const never = `
      import { writeFileSync } from "node:fs";
      it("never ends", () => new Promise(() => {
        setInterval(() => {}, 1_000);
        writeFileSync(new URL("running", import.meta.url), "");
      }), 0);`;
    await using folder = await folderOfTests({ "sdk/test/never.test.ts": never, "web/test/b.test.ts": PASSES });
    await using run = runProcess([join(folder.path, "run.ts")]);
    await waitFor(() => existsSync(join(folder.path, "sdk/test/running")), "the test runs", 30_000);
    run.child.kill("SIGTERM");
    assert.equal(await run.ended, 143);
    assert.doesNotMatch(run.written.out, /b\.test\.ts/);
  });
});
