import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { clientOf, leadTo, selectFiles } from "../../scripts/test-files.ts";

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
  "web/test/chat/rows.test.ts": 'import "../../../test/support/servers.ts";',
  "sdk/test/alone.test.ts": "",
  "sdk/test/kinds.ts": "",
  "sdk/src/unit.test.ts": "",
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
  it("takes the test files of all suites, in the order of the suites, and those of the clients behind them", () => {
    assert.deepEqual(selectFiles(root, []), [
      "test/unit/alone.test.ts",
      "test/integration/direct.test.ts",
      "test/integration/through.test.ts",
      "test/e2e/bare.test.ts",
      "test/e2e/circle.test.ts",
      "test/e2e/later.test.ts",
      "sdk/test/alone.test.ts",
      "web/test/chat/rows.test.ts",
    ]);
  });

  it("chooses a client by its name, and its files by part of a path and by absolute path", () => {
    assert.deepEqual(selectFiles(root, ["sdk"]), ["sdk/test/alone.test.ts"]);
    assert.deepEqual(selectFiles(root, ["web/", at("sdk/test/alone.test.ts")]), [
      "sdk/test/alone.test.ts",
      "web/test/chat/rows.test.ts",
    ]);
    assert.deepEqual(selectFiles(root, ["alone"]), ["test/unit/alone.test.ts", "sdk/test/alone.test.ts"]);
    assert.deepEqual(selectFiles(root, ["chat/rows", "unit"]), ["test/unit/alone.test.ts", "web/test/chat/rows.test.ts"]);
  });

  it("chooses by suite, by part of a path and by absolute path", () => {
    assert.deepEqual(selectFiles(root, ["unit", "through"]), ["test/unit/alone.test.ts", "test/integration/through.test.ts"]);
    assert.deepEqual(selectFiles(root, [at("test/e2e/later.test.ts")]), ["test/e2e/later.test.ts"]);
    assert.deepEqual(selectFiles(root, ["nothing-like-it"]), []);
  });
});

describe("clientOf", () => {
  it("names the client of a file, and none for the files of the suites", () => {
    assert.equal(clientOf("web/test/chat/rows.test.ts"), "web");
    assert.equal(clientOf("sdk/test/alone.test.ts"), "sdk");
    assert.equal(clientOf("test/unit/sdk/web.test.ts"), null);
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
