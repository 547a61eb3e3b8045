import { builtinModules } from "node:module";
import path from "node:path";
import { build } from "vite";
import type { Rolldown } from "vite";
import { describe, expect, it } from "vitest";

const SRC = path.resolve(import.meta.dirname, "../src");

/** What a page that uses an entry loads, and what that imports from outside. */
async function bundled(entry: string): Promise<{ readonly modules: string[]; readonly imports: string[] }> {
  const imports: string[] = [];
  const result = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: path.join(SRC, entry), formats: ["es"] },
      rolldownOptions: {
        external: (id) => {
          const isOutside = id.startsWith("node:") || builtinModules.includes(id);
          if (isOutside) imports.push(id);
          return isOutside;
        },
      },
    },
  });
  const [output] = result as Rolldown.RolldownOutput[];
  const chunks = output?.output.filter((part) => part.type === "chunk") ?? [];
  return { modules: chunks.flatMap(({ moduleIds }) => moduleIds), imports };
}

describe("the entry of the SDK", () => {
  it("brings nothing of Node and no schemas into a page", async () => {
    const { modules, imports } = await bundled("index.ts");
    expect(modules).toContain(path.join(SRC, "index.ts"));
    expect(modules).toContain(path.join(SRC, "store/default.ts"));
    expect(imports).toEqual([]);
    expect(modules.filter((module) => /typebox|store\/file/.test(module))).toEqual([]);
  });

  it("is another one for what needs Node", async () => {
    const { imports } = await bundled("node.ts");
    expect(imports).toContain("node:fs/promises");
  });
});
