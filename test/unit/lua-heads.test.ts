import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

const FOLDER = new URL("../../mixins/hot-store/redis/lua/", import.meta.url);
const files = readdirSync(FOLDER);

/** The numbers of KEYS or ARGV that a text names. */
const namedIn = (text: string, table: "KEYS" | "ARGV"): number[] => [
  ...new Set([...text.matchAll(new RegExp(`${table}\\[(\\d+)\\]`, "g"))].map(([, index]) => Number(index))),
];

describe("Lua scripts", () => {
  for (const file of files) {
    it(`${file} says what it does, what it is given and what it returns`, () => {
      const lines = readFileSync(new URL(file, FOLDER), "utf8").split("\n");
      assert.match(lines[0]!, /^#!lua/);
      const end = lines.findIndex((line, i) => i > 0 && !line.startsWith("--"));
      const head = lines.slice(1, end).join("\n");
      const body = lines.slice(end).join("\n");
      assert.match(head, /^-- [A-Z].*\.$/ms);
      assert.match(head, /^-- Returns?\b/m);
      for (const table of ["KEYS", "ARGV"] as const)
        for (const index of namedIn(body, table)) assert.ok(namedIn(head, table).includes(index), `${table}[${index}]`);
    });
  }
});
