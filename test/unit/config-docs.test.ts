import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { renderConfiguration } from "../../scripts/env-table.ts";

test("docs/configuration.md is what the settings make; `npm run docs:env` writes it", () => {
  const written = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  assert.equal(written, renderConfiguration());
});
