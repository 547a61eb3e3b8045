import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

interface LockFile {
  packages: Record<string, { version?: string; resolved?: string }>;
}

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"));
const { packages } = read("package-lock.json") as LockFile;

/** Versions below these have known holes. */
const FLOORS: Record<string, string> = {
  "socket.io-parser": "4.2.7",
  "engine.io": "6.6.10",
  ws: "8.21.0",
  "body-parser": "2.3.0",
  qs: "6.14.2",
};

function isAtLeast(version: string, floor: string): boolean {
  return version.localeCompare(floor, "en", { numeric: true }) >= 0;
}

describe("lock file", () => {
  it("names no host, so that any registry serves it", () => {
    const hosts = Object.entries(packages).filter(([, { resolved }]) => /^(https?|git)/.test(resolved ?? ""));
    assert.deepEqual(hosts, []);
  });

  for (const [name, floor] of Object.entries(FLOORS)) {
    it(`holds ${name} at ${floor} or newer, every copy of it`, () => {
      const copies = Object.entries(packages).filter(([place]) => place.endsWith(`node_modules/${name}`));
      assert.ok(copies.length > 0);
      for (const [place, { version = "" }] of copies) assert.ok(isAtLeast(version, floor), `${place} is ${version}`);
    });
  }

  it("agrees with exact versions in package.json", () => {
    const { dependencies, devDependencies } = read("package.json") as Manifest;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
      assert.equal(packages[`node_modules/${name}`]?.version, version, name);
    }
  });
});
