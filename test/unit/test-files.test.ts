import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { leadTo, selectFiles } from "../../scripts/test-files.ts";

const FILES: Record<string, string> = {
  "test/unit/alone.test.ts": 'import assert from "node:assert/strict";',
  "test/integration/direct.test.ts": 'import { serversFor } from "../support/servers.ts";',
  "test/integration/through.test.ts": 'import {\n  node,\n} from "../support/node.ts";',
  "test/e2e/bare.test.ts": 'import "../support/node.ts";',
  "test/e2e/later.test.ts":
    'import type { Node } from "../support/node.ts";\nconst { node } = await import("../support/node.ts");',
  "test/e2e/circle.test.ts": 'import "../support/circle.ts"; import { gone } from "./gone.ts";',
  "test/support/circle.ts": 'export * from "../e2e/circle.test.ts";',
  "test/support/node.ts": 'export { serversFor } from "./servers.ts";',
  "test/support/servers.ts": "export const serversFor = 1;",
};

let root = "";
const at = (file: string): string => path.join(root, file);

before(() => {
  root = mkdtempSync(path.join(tmpdir(), "im-test-files-"));
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(path.dirname(at(file)), { recursive: true });
    writeFileSync(at(file), text);
  }
});
after(() => rmSync(root, { recursive: true }));

describe("selectFiles", () => {
  it("takes the test files of all suites, in the order of the suites", () => {
    assert.deepEqual(selectFiles(root, []), [
      "test/unit/alone.test.ts",
      "test/integration/direct.test.ts",
      "test/integration/through.test.ts",
      "test/e2e/bare.test.ts",
      "test/e2e/circle.test.ts",
      "test/e2e/later.test.ts",
    ]);
  });

  it("chooses by suite, by part of a path and by absolute path", () => {
    assert.deepEqual(selectFiles(root, ["unit", "through"]), ["test/unit/alone.test.ts", "test/integration/through.test.ts"]);
    assert.deepEqual(selectFiles(root, [at("test/e2e/later.test.ts")]), ["test/e2e/later.test.ts"]);
    assert.deepEqual(selectFiles(root, ["nothing-like-it"]), []);
  });
});

describe("leadTo", () => {
  const needsServers = (...files: string[]): boolean => leadTo(files.map(at), at("test/support/servers.ts"));

  it("sees what a file imports when it begins, itself and through others", () => {
    assert.equal(needsServers("test/integration/direct.test.ts"), true);
    assert.equal(needsServers("test/integration/through.test.ts"), true);
    assert.equal(needsServers("test/e2e/bare.test.ts"), true);
    assert.equal(needsServers("test/unit/alone.test.ts", "test/e2e/bare.test.ts"), true);
  });

  it("leaves out types, and what is imported on demand", () => {
    assert.equal(needsServers("test/e2e/later.test.ts"), false);
  });

  it("ends with files that import each other or what is not there", () => {
    assert.equal(needsServers("test/unit/alone.test.ts", "test/e2e/circle.test.ts"), false);
  });
});
