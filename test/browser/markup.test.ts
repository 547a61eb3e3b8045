import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { browser, openBrowser, settled } from "../support/browser.ts";
import { startIm } from "../support/im.ts";
import { builtWebClient } from "../support/web-client.ts";
import { befriendOnline, restPerson, webPerson } from "../support/web-person.ts";

/** Would mark the page, if any of it ran. */
const RUN = "window.ran=1";
const MARKUPS = [
  `<img src=x onerror="${RUN}">`,
  `"><svg onload=${RUN}>`,
  `<script>${RUN}</script>`,
  `{{constructor.constructor('${RUN}')()}}`,
  `[a](javascript:${RUN}) <a href="javascript:${RUN}">b</a>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>">`,
];
const markup = (length: number, index = 0): string => MARKUPS[index % MARKUPS.length]!.slice(0, length);

describe("markup in every field that a user can fill", { skip: browser.skip }, () => {
  before(builtWebClient);

  it("is shown as text and runs nothing (S17)", async () => {
    await using im = await startIm({ rateLimits: false });
    await using chromium = await openBrowser();
    const ann = await webPerson(chromium, im.url, { nickname: markup(64) });
    const ben = await restPerson(im.url, { nickname: markup(64, 1) });
    for (const [index, person] of [ann, ben].entries())
      await person.rest.put("/users/me/profile", { signature: markup(200, index), region: markup(64, index + 2) });
    const stranger = await restPerson(im.url, { nickname: markup(64, 2) });
    await stranger.rest.post("/social/friends/request", { userId: ann.userId, message: markup(200, 3) });

    const direct = await befriendOnline(ann, ben);
    await ann.rest.put(`/social/friends/${ben.userId}`, { remark: markup(64, 3), tags: [markup(32), markup(32, 1)] });
    await ben.rest.put(`/social/whitelist/${ann.userId}`);
    const { group } = await ann.rest.post<{ group: { groupId: string; conversationId: string } }>("/social/groups", {
      name: markup(64, 4),
      memberIds: [ben.userId],
    });
    await ann.rest.put(`/social/groups/${group.groupId}/announcement`, { text: MARKUPS.join("\n") });
    await ben.rest.put(`/social/groups/${group.groupId}/members/${ben.userId}`, { nickname: markup(64, 5) });

    const contents: [type: string, content: object][] = [
      ...MARKUPS.flatMap((text): [string, object][] => [
        ["text", { text }],
        ["markdown", { text }],
        [
          "markdown",
          { text: `# ${text}\n\n\`\`\`${text}\n${text}\n\`\`\`\n\n| ${text} |\n| --- |\n| ${text} |\n\n![${text}](${text})` },
        ],
      ]),
      ["location", { latitude: 1, longitude: 2, title: markup(200), address: markup(200, 1) }],
      ["custom", { kind: markup(64), data: { html: MARKUPS } }],
      ["card", { userId: ben.userId }],
    ];
    let quoted = "";
    for (const conversationId of [direct, group.conversationId]) {
      for (const [index, [type, content]] of contents.entries()) {
        const message = { conversationId, clientMsgId: `${conversationId}.${index}`, type, content };
        quoted = (await ben.rest.post<{ messageId: string }>("/messages", message)).messageId;
        await ben.rest.post(`/messages/${quoted}/reactions`, { emoji: markup(32, index) }).catch(() => undefined);
      }
      const last = { conversationId, clientMsgId: `${conversationId}.last`, type: "text", content: { text: "the last one" } };
      await ben.rest.post("/messages", { ...last, replyTo: quoted });
      const forward = { title: markup(64), items: [quoted] };
      await ben.rest.post("/messages", { ...last, clientMsgId: `${conversationId}.forward`, type: "forward", content: forward });
      await ann.rest.put(`/messages/${quoted}/pin`);
      await ann.rest.put(`/social/conversations/${conversationId}`, { draft: markup(200) });
    }

    const places = [
      "/chats",
      `/chats/${direct}`,
      `/chats/${group.conversationId}`,
      "/contacts",
      `/contacts/${ben.userId}`,
      "/contacts/requests",
      `/groups/${group.groupId}`,
      "/notifications",
      "/settings/profile",
    ];
    for (const place of places) {
      await ann.page.goto(im.url + place);
      await ann.page.getByRole("main").waitFor();
      await settled(ann.page);
      if (place.startsWith("/chats/")) {
        await ann.messages.first().waitFor();
        await ann.page.mouse.move(800, 400);
        for (const by of [-700, 700]) {
          for (let scrolled = 0; scrolled < 12; scrolled++) await ann.page.mouse.wheel(0, by);
          await settled(ann.page);
        }
        await ann.sees("the last one");
      }
      const found = await ann.page.evaluate(() => ({
        ran: "ran" in window,
        frames: document.querySelectorAll("iframe, object, embed").length,
        handlers: [...document.querySelectorAll("*")].filter((one) =>
          one.getAttributeNames().some((name) => name.startsWith("on")),
        ).length,
        links: [...document.querySelectorAll("a[href]")].filter(
          (one) => !/^(https?:|mailto:|\/|#)/.test(one.getAttribute("href") ?? ""),
        ).length,
      }));
      assert.deepEqual(found, { ran: false, frames: 0, handlers: 0, links: 0 }, place);
    }
    await ann.page.goto(`${im.url}/contacts/${ben.userId}`);
    await ann.page.getByText("onload=").first().waitFor(); // as text
    assert.deepEqual(ann.visitor.problems, []);
  });
});
