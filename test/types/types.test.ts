import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import ts from "typescript";

const FOLDER = import.meta.dirname;

/** What the compiler finds in the files, one line each; an unused `@ts-expect-error` is one of them. */
function diagnose(files: readonly string[], options: ts.CompilerOptions): string[] {
  return ts.getPreEmitDiagnostics(ts.createProgram(files, options)).map(({ file, start = 0, messageText }) => {
    const at = file ? `${path.basename(file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1} ` : "";
    return at + ts.flattenDiagnosticMessageText(messageText, "\n");
  });
}

test("*.test-d.ts compile, and what they expect not to compile does not", () => {
  const { config } = ts.readConfigFile(path.join(FOLDER, "tsconfig.json"), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, FOLDER);
  assert.deepEqual(errors, []);
  assert.deepEqual(diagnose(fileNames, options), []);
});

test("an expected error that does not come is found", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "im-types-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "some.test-d.ts");
  writeFileSync(file, "// @ts-expect-error: a number is no string\nexport const text: string = String(1);\n");
  assert.deepEqual(diagnose([file], { strict: true, noEmit: true, types: [] }), [
    "some.test-d.ts:1 Unused '@ts-expect-error' directive.",
  ]);
});
