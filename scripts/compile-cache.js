// Loaded with `--import` before a node: says in a line that this Node is too old, and keeps compiled code between starts, which halves
// their time. Plain JavaScript, so that an older Node can say so.
import "./check-node.js";
import * as nodeModule from "node:module";
import path from "node:path";

nodeModule.enableCompileCache?.(path.join(import.meta.dirname ?? ".", "../node_modules/.cache/moleculer-im"));
