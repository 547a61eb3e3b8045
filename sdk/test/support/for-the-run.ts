import path from "node:path";
import type { TestProject } from "vitest/node";
import { freePort, startServer, temporaryFolder } from "../../../test/support/server-process.ts";
import { SERVER_SETTINGS } from "./settings.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Of the server that all files use who need none of their own. It may still be starting. */
    readonly serverUrl: string;
    /** For what is made once in a run. */
    readonly workFolder: string;
  }
}

/** What all files of a run share: starting a server, or building the package, takes longer than most tests. */
export default async function forTheRun({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await temporaryFolder();
  const port = String(await freePort());
  const starting = startServer({ ...SERVER_SETTINGS, IM_DATA_DIR: path.join(folder.path, "data"), IM_PORT: port });
  starting.catch((error: unknown) => process.stderr.write(`${String(error)}\n`)); // who needs it waits in vain
  provide("serverUrl", `http://127.0.0.1:${port}`);
  provide("workFolder", folder.path);
  return async () => {
    await starting.then(
      (server) => server[Symbol.asyncDispose](),
      () => undefined,
    );
    await folder[Symbol.asyncDispose]();
  };
}
