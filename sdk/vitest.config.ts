import path from "node:path";
import { defineConfig } from "vitest/config";

const root = import.meta.dirname;

export default defineConfig({
  root,
  cacheDir: path.resolve(root, "../node_modules/.vite-sdk"),
  // Time enough for a machine that does much else.
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/for-the-run.ts"],
    maxWorkers: 3, // most of them wait, for each other and for time to pass
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
