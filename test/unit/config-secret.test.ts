import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ConfigError } from "../../config/config-error.ts";
import { loadOrCreateSecret } from "../../config/secret.ts";

const MODULE = pathToFileURL(path.resolve(import.meta.dirname, "../../config/secret.ts")).href;

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "im-secret-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("loadOrCreateSecret", () => {
  it("makes a file that only its owner reads, and nothing beside it", (t) => {
    const folder = temporaryFolder(t);
    loadOrCreateSecret(folder);
    assert.deepEqual(readdirSync(folder), ["secret"]);
    assert.equal(statSync(path.join(folder, "secret")).mode & 0o777, 0o600);
  });

  it("gives the same secret to processes that start at once", async (t) => {
    const folder = temporaryFolder(t);
    const code = `process.stdout.write((await import(${JSON.stringify(MODULE)})).loadOrCreateSecret(${JSON.stringify(folder)}))`;
    const start = (): Promise<{ stdout: string }> => promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
    const secrets = await Promise.all([start(), start(), start(), start()]);
    assert.equal(new Set(secrets.map(({ stdout }) => stdout)).size, 1);
    assert.deepEqual(readdirSync(folder), ["secret"]);
  });

  it("refuses a damaged file instead of signing everyone out silently", (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(path.join(folder, "secret"), "cut");
    assert.throws(() => loadOrCreateSecret(folder), ConfigError);
  });

  it("says in one line why it cannot make one", (t) => {
    const folder = temporaryFolder(t);
    assert.throws(() => loadOrCreateSecret(path.join(folder, "missing")), /^ConfigError: The secret in .* \(ENOENT\)\.$/);
  });
});
