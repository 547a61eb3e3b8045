import { cpSync, existsSync, statSync } from "node:fs";
import path from "node:path";

/** Copies what the compiler leaves behind (Lua, SQL, HTML …) to its place below `dist`. */

const ROOT = path.resolve(import.meta.dirname, "..");
const ROOMS = ["contracts", "config", "lib", "mixins", "services", "migrations"];

const isAsset = (file: string): boolean => statSync(file).isDirectory() || !file.endsWith(".ts");

for (const room of ROOMS) {
  const source = path.join(ROOT, room);
  if (existsSync(source)) cpSync(source, path.join(ROOT, "dist", room), { recursive: true, filter: isAsset });
}
