import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ROLE_SERVICES } from "../../scripts/cluster/roles.ts";

const table = readFileSync(new URL("../../docs/deployment.md", import.meta.url), "utf8");

/** Words in code font in the second cell of a row, one by one. */
function namedIn(row: string): string[] {
  const [, cell = ""] = new RegExp(`^\\| \`${row}\` +\\|([^|]*)\\|`, "m").exec(table) ?? [];
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, words = ""]) => words.split(" "));
}

for (const [row, role] of [
  ["core", "core"],
  ["socket", "gateway"],
] as const) {
  test(`docs/deployment.md names every service of ${row}`, () => {
    assert.deepEqual(namedIn(row).sort(), [...(ROLE_SERVICES[role] ?? [])].sort());
  });
}
