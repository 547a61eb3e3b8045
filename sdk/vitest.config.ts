import path from "node:path";
import { defineConfig } from "vitest/config";

const root = import.meta.dirname;

export default defineConfig({
  root,
  cacheDir: path.resolve(root, "../node_modules/.vite-sdk"),
  test: { environment: "node", include: ["test/**/*.test.ts"], maxWorkers: 2 },
});
