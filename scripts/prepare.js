// Loaded with `--import` before a server that somebody starts: what `compile-cache.js` does, and then the web client is built, once.
import "./compile-cache.js";
import path from "node:path";

const { prepareWebClient } = await import("./web-client/index.ts");
await prepareWebClient(path.join(import.meta.dirname, ".."), (line) => process.stderr.write(`${line}\n`));
