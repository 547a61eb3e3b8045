import path from "node:path";
import { startVitest } from "vitest/node";
import { totalsOf } from "./vitest-totals.ts";

/**
 * Runs files of one folder with Vitest and its configuration there, and sends the process that started this one what it counted.
 * A process of its own, so that a run which breaks off is seen.
 */
const [root = "", ...files] = process.argv.slice(2);
const absolute = files.map((file) => path.join(root, file));
const vitest = await startVitest(absolute, { root, watch: false, allowOnly: false, reporters: ["default"] });
const { reasons, ...counts } = totalsOf(vitest.state, absolute);
process.send?.({ ...counts, reasons: [...reasons] });
await vitest.close();
process.disconnect?.();
