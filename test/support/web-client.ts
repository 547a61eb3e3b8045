import { after, before } from "node:test";
import { buildWebClient } from "../../scripts/web-client/build.ts";
import { distOf } from "../../scripts/web-client/sources.ts";
import { openBrowser, type OpenBrowser } from "./browser.ts";
import { startIm, type Im } from "./im.ts";
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

export interface ServedWebClient {
  readonly im: Im;
  readonly chromium: OpenBrowser;
}

/** A server with the web client, and a browser, for all tests of the suite in which it is called; they are there in its tests. */
export function servedWebClient(): ServedWebClient {
  const open = new AsyncDisposableStack();
  const served = {} as { im: Im; chromium: OpenBrowser };
  before(async () => {
    await builtWebClient();
    served.im = open.use(await startIm({ rateLimits: false }));
    served.chromium = open.use(await openBrowser());
  });
  after(() => open.disposeAsync());
  return served;
}
