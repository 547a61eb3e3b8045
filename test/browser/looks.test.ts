import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import type { AxeResults } from "axe-core";
import { browser, PATIENCE_MS, settled } from "../support/browser.ts";
import { waitFor } from "../support/wait.ts";
import { servedWebClient } from "../support/web-client.ts";
import { befriendOnline, restPerson, webPerson, type WebPerson } from "../support/web-person.ts";

const AXE = await readFile(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** What keeps somebody from using the page: serious and critical findings. */
async function barriers({ page }: WebPerson): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n  ")}`,
  );
}

/** Whether nothing is wider than the screen. */
const fits = ({ page }: WebPerson): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);

const LOOKS = [
  { name: "on a desktop, in English", context: { viewport: { width: 1280, height: 800 } } },
  {
    name: "on a desktop, in Chinese and dark",
    context: { viewport: { width: 1280, height: 800 }, locale: "zh-CN", colorScheme: "dark" },
  },
  {
    name: "on a phone, in English and dark",
    context: { viewport: { width: 390, height: 844 }, hasTouch: true, colorScheme: "dark" },
  },
  { name: "on a phone, in Chinese", context: { viewport: { width: 390, height: 844 }, hasTouch: true, locale: "zh-CN" } },
] as const;

const FAR_TOO_LONG = "Benjamin with a name that is far too long for any list";

describe("every screen of the web client", { skip: browser.skip }, () => {
  const served = servedWebClient();
  /** In front of a page of his own, so that he is shown as online. */
  let ben: WebPerson;
  before(async () => {
    ben = await webPerson(served.chromium, served.im.url, { nickname: FAR_TOO_LONG });
  });

  for (const { name, context } of LOOKS)
    it(`fits, speaks its language and can be used by everybody, ${name}`, async () => {
      const ann = await webPerson(served.chromium, served.im.url, { nickname: "Ann", ...context });
      const stranger = await restPerson(served.im.url, { nickname: "Cleo" });
      await stranger.rest.post("/social/friends/request", { userId: ann.userId, message: "Hello" });
      const direct = await befriendOnline(ann, ben);
      await ben.rest.put(`/social/whitelist/${ann.userId}`);
      const { group } = await ann.rest.post<{ group: { groupId: string; conversationId: string } }>("/social/groups", {
        name: "Weekend",
        memberIds: [ben.userId],
      });
      for (let index = 0; index < 3; index++)
        await ben.rest.post("/messages", {
          conversationId: direct,
          clientMsgId: `${direct}.${index}`,
          type: index === 2 ? "markdown" : "text",
          content: {
            text:
              index === 2 ? `**${"verylongword".repeat(20)}**\n\n\`\`\`js\nlet x = 1;\n\`\`\`` : "Hello 你好 https://example.org",
          },
        });
      const isChinese = "locale" in context;
      const isLight = !("colorScheme" in context);
      const places = ["/chats", `/chats/${direct}`, `/chats/${group.conversationId}`, "/contacts", `/contacts/${ben.userId}`];
      places.push("/contacts/requests", `/groups/${group.groupId}`, "/notifications", "/settings");
      const sections = ["profile", "password", "devices", "privacy", "appearance", "account", "about"];
      for (const section of isLight ? sections : []) places.push(`/settings/${section}`);
      for (const place of places) {
        await ann.page.goto(served.im.url + place);
        await ann.page.getByRole("main").waitFor();
        await settled(ann.page);
        assert.deepEqual(await barriers(ann), [], place);
        assert.ok(await fits(ann), `${place} is wider than the screen`);
        const words = await ann.page.evaluate(() => document.body.innerText);
        assert.equal(/[\u4e00-\u9fff]{2,}/.test(words.replaceAll("你好", "")), isChinese, `${place}: ${words}`);
        assert.doesNotMatch(words, /\b(?:chat|contacts|groups|settings|session|shell|notifications)\.[a-z]/, place);
      }
      const background = await ann.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const brightness = Math.max(...(background.match(/\d+/g) ?? []).slice(0, 3).map(Number));
      assert.equal(brightness > 128, isLight, background);
      assert.deepEqual(ann.visitor.problems, []);
      await ann.visitor.context.close();
    });

  it("can be used with the keyboard alone: a message is written, read and answered", async () => {
    const ann = await webPerson(served.chromium, served.im.url, { nickname: "Ann" });
    const direct = await befriendOnline(ann, ben);
    await ben.rest.post("/messages", { conversationId: direct, clientMsgId: "keys", type: "text", content: { text: "Hello" } });
    await ann.page.getByRole("link", { name: /Ben/ }).first().waitFor();
    await pressUntil(ann, "Tab", () =>
      ann.page.evaluate(() => document.activeElement?.closest("a")?.textContent?.includes("Ben") === true),
    );
    await ann.page.keyboard.press("Enter");
    await ann.sees("Hello");
    const inComposer = (): Promise<boolean> => ann.page.evaluate(() => document.activeElement?.tagName === "TEXTAREA");
    if (!(await inComposer())) await pressUntil(ann, "Tab", inComposer);
    await ann.page.keyboard.type("Written without a mouse");
    await ann.page.keyboard.press("Enter");
    await ann.sees("Written without a mouse");
    await waitFor(
      async () => (await ben.rest.get<{ items: unknown[] }>(`/messages/conversations/${direct}/history`)).items.length === 2,
      "the message to arrive",
      PATIENCE_MS,
    );
  });
});

async function pressUntil({ page }: WebPerson, key: string, isThere: () => Promise<boolean>): Promise<void> {
  for (let pressed = 0; pressed < 60; pressed++) {
    if (await isThere()) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead there`);
}
