import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { statusOf } from "../../scripts/servers/index.ts";
import { ROOT, runProcess, temporaryFolder } from "../support/server-process.ts";
import { reasonToSkip } from "../support/servers.ts";
import { endOf } from "../support/servers-command.ts";
import type { Ended } from "../support/servers-command.ts";
import { waitFor } from "../support/wait.ts";

/** The runner on the tests of another folder, with Redis as the one server that they need and none that runs already. */
const runner = (root: string): string => `
  import { runTests } from ${JSON.stringify(join(ROOT, "scripts/test-run.ts"))};
  import { selectFiles } from ${JSON.stringify(join(ROOT, "scripts/test-files.ts"))};
  import { serversForTests } from ${JSON.stringify(join(ROOT, "scripts/servers/for-tests.ts"))};
  const root = ${JSON.stringify(root)};
  const none = ${JSON.stringify(join(root, "no-servers"))};
  process.exitCode = await runTests({
    root,
    files: selectFiles(root, []),
    async prepare() {
      const { dir, stop } = await serversForTests(console.log, { shared: none, kinds: ["redis"] });
      console.log("servers in " + dir);
      return { argv: ["--servers=" + dir], stop };
    },
  });`;

const NEEDS_REDIS = `
  import { describe, it } from "node:test";
  import { serversFor } from ${JSON.stringify(join(ROOT, "test/support/servers.ts"))};
  const redis = await serversFor("redis");
  describe("needs Redis", { skip: redis.skip }, () => {
    it("has one", () => console.log("redis at " + redis.url));
  });`;

const NEEDS_NOTHING = `
  import { it } from "node:test";
  it("needs nothing", () => {});`;

/** Says its pid and never ends. */
const NEVER_ENDS = `
  import { writeFileSync } from "node:fs";
  import { it } from "node:test";
  it("never ends", () => new Promise(() => {
    setInterval(() => {}, 1_000);
    writeFileSync(new URL("running", import.meta.url), String(process.pid));
  }));`;

async function folderOfTests(files: Record<string, string>): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries({ "run.ts": runner(folder.path), ...files })) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return folder;
}

const BOTH = { "test/unit/nothing.test.ts": NEEDS_NOTHING, "test/integration/redis.test.ts": NEEDS_REDIS };

/** On a machine whose programs are only those that a path names. */
async function runIn(root: string, env: Record<string, string>): Promise<Ended> {
  return endOf(runProcess([join(root, "run.ts")], env));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";
const folderNamedIn = (out: string): string => /^servers in (.*)$/m.exec(out)?.[1] ?? "";

describe("a run of tests that need a server", { skip: await reasonToSkip("redis") }, () => {
  it("has it brought up before, and ended and forgotten after", async () => {
    await using folder = await folderOfTests(BOTH);
    const { code, out } = await runIn(folder.path, { CI: "true" });
    assert.equal(code, 0, out);
    assert.match(out, /^Servers of this run, up in .* s: redis$/m);
    assert.match(out, /^redis at redis:\/\/127\.0\.0\.1:\d+\/0$/m);
    assert.equal(lastLine(out), "2 passed, 0 failed");
    assert.equal(existsSync(folderNamedIn(out)), false);
  });

  for (const [signal, expected] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`ends its tests and its servers on ${signal}`, async () => {
      await using folder = await folderOfTests({ "test/unit/never.test.ts": NEVER_ENDS });
      await using run = runProcess([join(folder.path, "run.ts")]);
      const file = join(folder.path, "test/unit/running");
      await waitFor(() => existsSync(file) && readFileSync(file, "utf8"), "the test to run", 30_000);
      const dir = folderNamedIn(run.written.out);
      assert.equal((await statusOf(dir))[0]?.state, "answers");

      run.child.kill(signal);
      assert.equal(await run.ended, expected);
      assert.equal(existsSync(dir), false);
      const pid = Number(readFileSync(file, "utf8"));
      await waitFor(() => !isRunning(pid), "the end of the test, which nobody reaped before");
    });
  }
});

describe("a run of tests where a server cannot be had", () => {
  it("says so, skips its tests, counts them, and passes", async () => {
    await using folder = await folderOfTests(BOTH);
    await using programs = await temporaryFolder();
    symlinkSync(process.execPath, join(programs.path, "node"));
    const { code, out } = await runIn(folder.path, { CI: "", PATH: programs.path });
    assert.match(out, /^Not to be had for the tests: redis: not on this machine.*put redis-server on PATH/m);
    assert.match(out, /^Skipped, a suite as a whole counted as one:\n {2}1: redis was not started in /m);
    assert.equal(lastLine(out), "1 passed, 0 failed, 1 skipped");
    assert.equal(code, 0);
  });

  it("fails where CI=true", async () => {
    await using folder = await folderOfTests(BOTH);
    await using programs = await temporaryFolder();
    symlinkSync(process.execPath, join(programs.path, "node"));
    const { code, out } = await runIn(folder.path, { CI: "true", PATH: programs.path });
    assert.match(out, /Error: redis was not started in /);
    assert.equal(lastLine(out), "1 passed, 1 failed");
    assert.equal(code, 1);
  });
});
