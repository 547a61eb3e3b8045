import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { browser, openBrowser, PATIENCE_MS, type OpenBrowser } from "../support/browser.ts";
import { startIm, type Im } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";
import { builtWebClient } from "../support/web-client.ts";
import { befriendOnline, inFrontOf, webPerson, type WebPerson } from "../support/web-person.ts";

const HOST = "im.test";
const openPlainBrowser = () => openBrowser([`--host-resolver-rules=MAP ${HOST} 127.0.0.1`]);
/** The server's address as a phone in the same network has it: by plain HTTP, and not as localhost. */
const plain = ({ url }: Im): string => url.replace("127.0.0.1", HOST);

/** Signs in by REST on this machine's address, and on the screen at the plain one. */
async function signIn(chromium: OpenBrowser, im: Im, nickname: string): Promise<WebPerson> {
  return webPerson(chromium, im.url, { nickname, pageUrl: plain(im) });
}

/** Another tab of the same browser. */
async function openTab(person: WebPerson, url: string): Promise<WebPerson> {
  return inFrontOf(await person.visitor.open(url), person.visitor, person);
}

/** But that the browser has no use for a header on plain pages, which it says of each. */
const problemsOf = ({ visitor }: WebPerson): string[] =>
  visitor.problems.filter((problem) => !problem.startsWith("console: The Cross-Origin-Opener-Policy header has been ignored"));

// Side by side: the second waits for most of its time.
describe("the web client on a page that is no secure context", { skip: browser.skip, concurrency: 2 }, () => {
  const open = new AsyncDisposableStack();
  let chromium: OpenBrowser;
  before(async () => {
    await builtWebClient();
    chromium = open.use(await openPlainBrowser());
  });
  after(() => open.disposeAsync());

  it("has one connection for two tabs, which another one takes over when the first is closed", async () => {
    await using im = await startIm({ rateLimits: false });
    const ann = await signIn(chromium, im, "Ann");
    assert.equal(await ann.page.evaluate(() => isSecureContext || "locks" in navigator), false);
    const ben = await signIn(chromium, im, "Ben");
    const conversationId = await befriendOnline(ann, ben);
    const sockets = async (): Promise<number> => (await im.node.call("socket.status", {})).connections ?? 0;
    const chat = `${plain(im)}/chats/${conversationId}`;
    const second = await openTab(ann, chat);
    for (const { page } of [ann, ben]) await page.goto(chat);

    for (const tab of [ann, second]) await tab.page.getByRole("textbox", { name: /^Message/ }).waitFor();
    await ann.say("from the first tab");
    await second.say("from the second tab");
    await ben.sees("from the second tab");
    await ben.say("to both");
    for (const tab of [ann, second]) {
      await tab.sees("to both");
      assert.equal(await tab.messages.count(), 3);
    }
    // Those of pages that were left may end a little later.
    await waitFor(async () => (await sockets()) === 2, "one connection for Ann and one for Ben", PATIENCE_MS);

    await ann.messages.filter({ hasText: "to both" }).hover();
    await ann.messages.filter({ hasText: "to both" }).getByRole("button", { name: "More actions" }).click();
    await ann.page.getByRole("menuitem", { name: "Copy", exact: true }).click();
    await ann.page.getByText("Copied").waitFor();
    const writing = ann.page.getByRole("textbox", { name: /^Message/ });
    await writing.press("Control+V");
    await waitFor(async () => (await writing.inputValue()) === "to both", "the copied words");
    await writing.fill("");

    // The second one leads, since the first was loaded anew; then the first, which is closed too.
    let leading = second;
    for (const next of [ann, await openTab(ann, chat)]) {
      await leading.page.close();
      leading = next;
      const said = `after ${await next.messages.count()} messages`;
      await next.say(said);
      await ben.sees(said);
      await ben.say(`${said}, an answer`);
      await next.sees(`${said}, an answer`);
      await waitFor(async () => (await sockets()) === 2, "one connection for each of them", PATIENCE_MS);
    }
    for (const person of [ann, ben]) assert.deepEqual(problemsOf(person), []);
  });

  it("renews tokens once for two tabs", async () => {
    await using im = await startIm({ rateLimits: false, accessTokenTtlS: 8 });
    const ann = await signIn(chromium, im, "Ann");
    const second = await openTab(ann, `${plain(im)}/chats`);
    const used: (string | null)[] = [];
    const answers: number[] = [];
    ann.visitor.context.on("response", (answer) => {
      if (!answer.url().endsWith("/auth/refresh")) return;
      used.push(answer.request().postData());
      answers.push(answer.status());
    });
    await waitFor(() => answers.length >= 3, "three renewals", 60_000);
    assert.equal(new Set(used).size, used.length, "each refresh token is used once");
    assert.deepEqual([...new Set(answers)], [200]);
    for (const { page } of [ann, second]) assert.match(page.url(), /\/chats/);
    assert.deepEqual(problemsOf(ann), []);
  });
});
