import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { API_PREFIX } from "../../contracts/routes.ts";
import { PageTraffic } from "./page-traffic.ts";
import { toolFor } from "./tools.ts";
import { waitFor } from "./wait.ts";

/** For `describe(…, { skip: browser.skip })`. */
export const browser = await toolFor("chromium");

/** A person's browser: pages of one share what the client stores. */
export interface Visitor {
  readonly context: BrowserContext;
  /** A new page; what goes wrong on it is written to `problems`. */
  open(url: string): Promise<Page>;
  /**
   * Violations of the page's policy, errors on its console, errors that nobody caught and files that could not be loaded. Calls
   * of the API that were refused are not among them, though Chromium has a line for each on the console.
   */
  readonly problems: readonly string[];
}

/** Chromium without a window; `await using` ends it. */
export interface OpenBrowser extends AsyncDisposable {
  /** A visitor of whom the server knows nothing yet. */
  visitor(options?: BrowserContextOptions): Promise<Visitor>;
}

const REFUSED_CALL = /^Failed to load resource: the server responded with a status of /;
/** Of what a page still loaded when it was left. */
const LEFT = "net::ERR_ABORTED";

/**
 * @param args of Chromium, beside those that it always has
 * @throws when `browser.skip` says why there is none
 */
export async function openBrowser(args: readonly string[] = []): Promise<OpenBrowser> {
  const running = await chromium.launch({ executablePath: browser.file, args: ["--no-sandbox", ...args] });
  return {
    visitor: async (options = {}) => visitorOf(await running.newContext(options)),
    [Symbol.asyncDispose]: () => running.close(),
  };
}

/** Nothing on a page takes longer, on a busy machine either. */
export const PATIENCE_MS = 30_000;

/** A script that waits until the page has nothing to do, and has drawn it. */
const IDLE = "new Promise((resolve) => requestIdleCallback(() => requestAnimationFrame(() => resolve(true))))";

const traffic = new WeakMap<Page, PageTraffic>();

/**
 * Waits until a page of somebody who is signed in is up to date, and has nothing to load or to draw.
 * @throws when that takes longer than any page should
 */
export async function settled(page: Page): Promise<void> {
  const isQuiet = (): boolean => traffic.get(page)?.isQuiet === true;
  const isIdle = (): Promise<boolean> => page.evaluate(IDLE);
  await waitFor(async () => isQuiet() && (await isIdle()) && isQuiet(), `${page.url()} to settle`, PATIENCE_MS);
}

function visitorOf(context: BrowserContext): Visitor {
  context.setDefaultTimeout(PATIENCE_MS);
  const problems: string[] = [];
  context.on("page", (page) => {
    traffic.set(page, new PageTraffic(page));
    page.on("pageerror", (error) => problems.push(`uncaught: ${error.stack ?? error.message}`));
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      if (why !== LEFT) problems.push(`not loaded: ${request.url()} ${why}`);
    });
    page.on("console", (message) => {
      const { url } = message.location();
      const isRefusedCall = REFUSED_CALL.test(message.text()) && new URL(url).pathname.startsWith(API_PREFIX);
      if (message.type() === "error" && !isRefusedCall) problems.push(`console: ${message.text()} (${url})`);
    });
  });
  return {
    context,
    problems,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
  };
}
