import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "vite";
import { sdkDeclarations } from "./build-sdk/declarations.ts";

/**
 * Builds `@moleculer-im/client` into `sdk/dist`, or into the folder that `--out` names: JavaScript for Node 20 and browsers, and
 * declarations that need no other package. With `--docs` writes the page of its documentation that lists the calls instead.
 */

const SDK = path.resolve(import.meta.dirname, "../sdk");
const SOURCE = path.join(SDK, "src");
const ENTRIES = {
  index: path.join(SOURCE, "index.ts"),
  node: path.join(SOURCE, "node.ts"),
  "im-chat": path.join(SOURCE, "terminal/main.ts"),
};

const { values } = parseArgs({
  options: { out: { type: "string", default: path.join(SDK, "dist") }, docs: { type: "boolean" } },
});
if (values.docs) await writePage(path.join(SDK, "docs/calls.md"));
else await buildPackage(path.resolve(values.out));

async function writePage(file: string): Promise<void> {
  const { callsPage } = await import("./build-sdk/calls-page.ts");
  await writeFile(file, await callsPage(path.dirname(SDK), file));
}

async function buildPackage(out: string): Promise<void> {
  await mkdir(path.dirname(out), { recursive: true });
  // Whoever uses the package meanwhile sees the old one or the new one.
  const made = await mkdtemp(`${out}-`);
  try {
    await buildScripts(made);
    for (const [place, text] of sdkDeclarations()) {
      await mkdir(path.dirname(path.join(made, place)), { recursive: true });
      await writeFile(path.join(made, place), text);
    }
    await rm(out, { recursive: true, force: true });
    await rename(made, out);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function buildScripts(outDir: string): Promise<void> {
  await build({
    root: SDK,
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      minify: false,
      lib: { entry: ENTRIES, formats: ["es"] },
      rolldownOptions: {
        external: [/^node:/, "socket.io-client"],
        output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[name].js" },
      },
    },
  });
}
