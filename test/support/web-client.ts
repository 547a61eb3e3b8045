import { buildWebClient } from "../../scripts/web-client/build.ts";
import { distOf } from "../../scripts/web-client/sources.ts";
import { ROOT } from "./server-process.ts";

/**
 * Sees to it that servers of this checkout serve the client as its sources are; of files that run side by side one builds it.
 * @returns the folder of the built client
 * @throws with what vite says, when it cannot be built
 */
export async function builtWebClient(): Promise<string> {
  await buildWebClient(ROOT, () => undefined);
  return distOf(ROOT);
}
