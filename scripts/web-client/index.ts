import { existsSync } from "node:fs";
import path from "node:path";
import { distOf, hasSources, isFresh } from "./sources.ts";

/**
 * Sees to it that the built client is that of the sources; says so where it has to be built, which happens once. Takes some
 * milliseconds when it is. Never throws: a server runs without it, and the line says why there is none.
 * @param root a checkout
 */
export async function prepareWebClient(root: string, report: (line: string) => void): Promise<void> {
  if (!hasSources(root) || isFresh(root)) return;
  const has = existsSync(path.join(distOf(root), "index.html")) ? "the one built before is served" : "there is none";
  try {
    // Loaded when it is needed: a start that has nothing to build waits for none of it.
    const { buildWebClient, canBuild } = await import("./build.ts");
    if (canBuild(root)) await buildWebClient(root, report);
    else if (has === "there is none") report("The web client is not built, and vite, which builds it, comes with `npm ci` alone");
  } catch (error) {
    report(`The web client cannot be built, ${has}: ${(error as Error).message}`);
  }
}
