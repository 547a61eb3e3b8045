/** The library: a node of moleculer-im inside another Node program (`docs/library.md`). */
import { createRequire } from "node:module";
import type * as Library from "./create-im.ts";
import { endBelowNode } from "./runtime/node-version.ts";

endBelowNode(24);

export { ConfigError } from "./config/config-error.ts";
export type { Config } from "./config/config.ts";
export type { Im, ImOptions } from "./create-im.ts";
export type { LogEntry } from "./runtime/log-entry.ts";

// Loaded after the check: an older Node could not even read these files.
const library = createRequire(import.meta.url)(
  import.meta.url.endsWith(".ts") ? "./create-im.ts" : "./create-im.js",
) as typeof Library;

export const createIm: typeof library.createIm = library.createIm;
export const loadConfig: typeof library.loadConfig = library.loadConfig;
