/**
 * Makes the pictures of the documents: `npm run screenshots`. A server of its own with the demo world, and Chromium in front of it;
 * they are written to `docs/images`.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { createIm } from "../create-im.ts";
import { PASSWORD, type Person } from "./demo-world.ts";
import { adviceForTool, findTool } from "./servers/tools.ts";
import { buildWebClient } from "./web-client/build.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const IMAGES = path.join(ROOT, "docs/images");
const DESKTOP = { width: 1200, height: 750 };
const PHONE = { width: 390, height: 780 };

interface Picture {
  readonly file: string;
  readonly who: Person;
  readonly context: BrowserContextOptions;
  readonly show: (page: Page, url: string) => Promise<void>;
}

const openChat = async (page: Page, name: string): Promise<void> => {
  await page.getByRole("link", { name }).first().click();
  await page.getByRole("article").last().waitFor();
};

const PICTURES: readonly Picture[] = [
  {
    file: "chat.png",
    who: "alice",
    context: { viewport: DESKTOP, locale: "en-GB" },
    show: (page) => openChat(page, "Bob"),
  },
  {
    file: "group-dark-zh.png",
    who: "mei",
    context: { viewport: DESKTOP, locale: "zh-CN", colorScheme: "dark" },
    show: (page) => openChat(page, "Weekend hike"),
  },
  {
    file: "phone-chat.png",
    who: "alice",
    context: { viewport: PHONE, locale: "en-GB", hasTouch: true, isMobile: true },
    show: (page) => openChat(page, "Weekend hike"),
  },
];

async function take(browser: Browser, url: string, { file, who, context, show }: Picture): Promise<void> {
  const own = await browser.newContext({ deviceScaleFactor: 1, reducedMotion: "reduce", ...context });
  const page = await own.newPage();
  await page.goto(`${url}/sign-in`);
  await page.getByRole("textbox").first().fill(who);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/chats*");
  await show(page, url);
  await page.waitForLoadState("networkidle");
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(IMAGES, file), animations: "disabled" });
  await own.close();
  process.stdout.write(`docs/images/${file}\n`);
}

const executablePath = await findTool("chromium");
if (executablePath === null) throw new Error(`chromium is not on this machine; ${adviceForTool("chromium")}`);
await buildWebClient(ROOT, (line) => process.stdout.write(`${line}\n`));
await mkdir(IMAGES, { recursive: true });
const dataDir = await mkdtemp(path.join(tmpdir(), "im-screenshots-"));
const im = createIm({ dataDir, port: 0, metricsPort: 0, logLevel: "warn", rateLimits: false });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  await im.start();
  await promisify(execFile)(process.execPath, ["scripts/demo.ts", "--url", im.url], { cwd: ROOT });
  for (const picture of PICTURES) await take(browser, im.url, picture);
} finally {
  await browser.close();
  await im.stop();
  await rm(dataDir, { recursive: true, force: true });
}
