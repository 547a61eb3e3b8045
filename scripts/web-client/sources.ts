import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

/** What the client is made of, besides the packages that the lock file names. */
const SOURCES = ["web", "sdk/src", "contracts", "package-lock.json"];
/** Not part of it, or made by building it. */
const LEFT_OUT = /^(?:\..*|dist|node_modules|test|bench|.*\.d\.ts|.*\.test\.ts|.*\.md)$/;

/** Where the build is put, and where a server in a checkout finds it. */
export const distOf = (root: string): string => path.join(root, "web/dist");

/** Beside the build: what it was made of. A server shows no hidden file. */
export const MARK = ".sources";

/** Whether there is anything to build; a package or an image brings the client built. */
export const hasSources = (root: string): boolean => existsSync(path.join(root, "web/index.html"));

/** Changes whenever the built client would. Reads all sources, which takes some milliseconds. */
export function hashOfSources(root: string): string {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((source) => filesOf(root, source))) {
    const bytes = readFileSync(path.join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** Whether the build was made of the sources as they are. */
export function isFresh(root: string): boolean {
  try {
    return readFileSync(path.join(distOf(root), MARK), "utf8") === hashOfSources(root);
  } catch {
    return false;
  }
}

/** Relative to `root`, in one order everywhere. */
function filesOf(root: string, source: string): string[] {
  const found = statSync(path.join(root, source), { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found ? [source] : [];
  return readdirSync(path.join(root, source))
    .filter((name) => !LEFT_OUT.test(name))
    .sort()
    .flatMap((name) => filesOf(root, `${source}/${name}`));
}
