import { cpSync, existsSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { buildWebClient } from "./web-client/build.ts";
import { distOf } from "./web-client/sources.ts";

/** Puts what the compiler leaves behind (Lua, SQL, HTML …) to its place below `dist`, and the web client into `dist/web`. */

const ROOT = path.resolve(import.meta.dirname, "..");
const ROOMS = ["contracts", "config", "lib", "mixins", "services", "migrations"];

const isAsset = (file: string): boolean => statSync(file).isDirectory() || !file.endsWith(".ts");
const isShown = (file: string): boolean => !path.basename(file).startsWith(".");

for (const room of ROOMS) {
  const source = path.join(ROOT, room);
  if (existsSync(source)) cpSync(source, path.join(ROOT, "dist", room), { recursive: true, filter: isAsset });
}

// stderr: `npm pack` writes the name of the package to stdout.
await buildWebClient(ROOT, (line) => process.stderr.write(`${line}\n`));
const client = path.join(ROOT, "dist/web");
rmSync(client, { recursive: true, force: true });
cpSync(distOf(ROOT), client, { recursive: true, filter: isShown });
