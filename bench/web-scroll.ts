/**
 * Scrolling through a chat of 100,000 messages of all kinds: `npm run bench:web-scroll`. The list of messages is the one that is shipped,
 * in a page of its own without a server, built as for production, in a Chromium that is driven by its wheel. What counts is the work
 * on the page's thread for each frame, script, style and layout, in time of a processor: what else the machine does is not the
 * page's. On a quiet one the elapsed time is the same.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Page } from "playwright-core";
import { build, preview } from "vite";
import { quantilesOf, type Quantiles } from "./quantiles.ts";
import { saveResults } from "./save.ts";
import { framesOf, type TraceEvent } from "./web-trace.ts";

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    frames: { type: "string", default: "1000" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const [messages, frames] = [Number(options.messages), Number(options.frames)];
/** What a frame has at 60 in a second. */
const TARGET_MS = 16;
/** How the wheel is turned: pixels at a time. */
const WAYS = { wheel: -120, fast: -600, fling: -3_000, back: 240 } as const;
const SIZE = { width: 1_280, height: 800 };

const root = join(import.meta.dirname, "../web/bench");
const config = { root, configFile: join(root, "../vite.config.ts"), logLevel: "warn" } as const;

async function record(page: Page, work: () => Promise<void>): Promise<TraceEvent[]> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => void events.push(...(value as unknown as TraceEvent[])));
  const ended = new Promise<void>((resolve) => session.once("Tracing.tracingComplete", () => resolve()));
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["devtools.timeline", "disabled-by-default-devtools.timeline.frame", "v8", "__metadata"] },
  });
  await work();
  await session.send("Tracing.end");
  await ended;
  await session.detach();
  return events;
}

const scroll =
  (page: Page, pixels: number): (() => Promise<void>) =>
  async () => {
    for (let turned = 0; turned < frames; turned++) await page.mouse.wheel(0, pixels);
  };

/** People write while one reads at the end: each message is on the screen before the next one comes. */
const append = (page: Page) => async (): Promise<void> => {
  await page.evaluate(`(async () => {
    for (let added = 0; added < ${Math.round(frames / 4)}; added++) {
      bench.append();
      for (let frame = 0; frame < 2; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  })()`);
};

interface Found {
  readonly frames: number;
  /** In ms. */
  readonly elapsed: Quantiles;
  /** Of that, with a processor; the same on a machine that has nothing else to do. */
  readonly processor: Quantiles;
}

async function measure(page: Page, work: () => Promise<void>): Promise<Found> {
  const found = framesOf(await record(page, work));
  return {
    frames: found.length,
    elapsed: quantilesOf(found.map(({ elapsed }) => elapsed)),
    processor: quantilesOf(found.map(({ processor }) => processor)),
  };
}

async function run(url: string): Promise<Record<string, Found>> {
  const browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage({ viewport: SIZE });
    await page.goto(`${url}?count=${messages}`);
    await page.getByRole("article").last().waitFor();
    await page.mouse.move(SIZE.width / 2, SIZE.height / 2);
    const found: Record<string, Found> = {};
    found["append"] = await measure(page, append(page));
    for (const [way, pixels] of Object.entries(WAYS)) found[way] = await measure(page, scroll(page, pixels));
    return found;
  } finally {
    await browser.close();
  }
}

const outDir = await mkdtemp(join(tmpdir(), "im-web-bench-"));
try {
  await build({ ...config, build: { outDir, emptyOutDir: true } });
  const server = await preview({ ...config, build: { outDir }, preview: { host: "127.0.0.1", port: 0, proxy: {} } });
  const found = await run(server.resolvedUrls?.local[0] ?? "");
  await server.close();
  console.log(`${messages} messages; script, style and layout of each frame in ms, of ${TARGET_MS}`);
  console.table(
    Object.fromEntries(
      Object.entries(found).map(([way, { frames: count, elapsed, processor }]) => [
        way,
        { frames: count, ...elapsed, "p95 of processor": processor.p95 },
      ]),
    ),
  );
  const worst = Math.max(...Object.values(found).map(({ processor }) => processor.p95));
  console.log(`p95 of the worst way: ${worst} ms of a processor`);
  if (options.save)
    console.log(`written to ${saveResults("web-scroll", { options, targetMs: TARGET_MS, worstP95: worst, found })}`);
  if (worst > TARGET_MS) process.exitCode = 1;
} finally {
  await rm(outDir, { recursive: true, force: true });
}
