import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { browser, PATIENCE_MS } from "../support/browser.ts";
import { freePort, startServer, temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";
import { servedWebClient } from "../support/web-client.ts";
import { befriendOnline, webPerson, type WebPerson } from "../support/web-person.ts";

/** The texts of the open conversation, in their order. */
const textsOf = async ({ messages }: WebPerson): Promise<string[]> => {
  const all = await messages.locator(".m-bubble").allInnerTexts();
  return all.map((text) => text.split("\n")[0] ?? "");
};

/** Opens the menu of a message and does something. */
async function choose(person: WebPerson, text: string, deed: string): Promise<void> {
  const message = person.messages.filter({ hasText: text }).last();
  await message.hover();
  await message.getByRole("button", { name: "More actions" }).click();
  await person.page.getByRole("menuitem", { name: deed, exact: true }).click();
}

describe("the web client", { skip: browser.skip }, () => {
  const served = servedWebClient();

  it("shows two people what the other writes, edits, recalls, quotes and how they react", async () => {
    const ann = await webPerson(served.chromium, served.im.url, { nickname: "Ann" });
    const ben = await webPerson(served.chromium, served.im.url, { nickname: "Ben" });
    const conversationId = await befriendOnline(ann, ben);
    for (const person of [ann, ben]) await person.page.goto(`${served.im.url}/chats/${conversationId}`);
    await ann.say("Lunch at noon?");
    await ben.sees("Lunch at noon?");
    await ben.say("At one, please");
    await ann.sees("At one, please");
    assert.deepEqual(await textsOf(ann), ["Lunch at noon?", "At one, please"]);

    await choose(ann, "Lunch at noon?", "Edit");
    await ann.say("Lunch at one?");
    await ben.sees("Lunch at one?");
    await choose(ben, "Lunch at one?", "Reply");
    await ben.page.getByText("Replying to").waitFor();
    await ben.say("Gladly");
    await (await ann.sees("Gladly")).getByRole("button", { name: /Lunch at one/ }).waitFor();
    await choose(ben, "At one, please", "Recall");
    await ann.page.getByText("Ben recalled a message").waitFor();
    assert.equal(await ann.messages.filter({ hasText: "At one, please" }).count(), 0);

    await ann.messages.filter({ hasText: "Lunch at one?" }).first().getByRole("img", { name: "read", exact: true }).waitFor();
    for (const { visitor } of [ann, ben]) assert.deepEqual(visitor.problems, []);
  });

  it("shows a group of three what each of them writes", async () => {
    const ann = await webPerson(served.chromium, served.im.url, { nickname: "Ann" });
    const others = [
      await webPerson(served.chromium, served.im.url, { nickname: "Ben" }),
      await webPerson(served.chromium, served.im.url, { nickname: "Cleo" }),
    ];
    for (const other of others) {
      await befriendOnline(ann, other);
      await other.rest.put(`/social/whitelist/${ann.userId}`);
    }
    const memberIds = others.map(({ userId }) => userId);
    await ann.rest.post("/social/groups", { name: "Weekend", memberIds });
    const all = [ann, ...others];
    await Promise.all(all.map((person) => person.openChat("Weekend")));
    for (const person of all) await person.say(`This is ${person.username}`);
    for (const reader of all) for (const { username } of all) await reader.sees(`This is ${username}`);
    assert.deepEqual(await textsOf(others[0]!), await textsOf(others[1]!));
  });

  it("loses and doubles nothing on the screen when the server is killed and comes back", async () => {
    await using folder = await temporaryFolder();
    const env = { IM_DATA_DIR: folder.path, IM_PORT: String(await freePort()), IM_RATE_LIMITS: "off" };
    const first = await startServer(env);
    const ann = await webPerson(served.chromium, first.url, { nickname: "Ann" });
    const ben = await webPerson(served.chromium, first.url, { nickname: "Ben" });
    const conversationId = await befriendOnline(ann, ben);
    for (const person of [ann, ben]) await person.page.goto(`${first.url}/chats/${conversationId}`);
    await ann.say("before");
    await ben.sees("before");
    await first[Symbol.asyncDispose](); // SIGKILL
    for (const { page } of [ann, ben]) await page.getByText("No connection to the server").waitFor();
    for (const text of ["while away 1", "while away 2", "while away 3"]) await ann.say(text);
    await ann.sees("while away 3");
    assert.equal(await ann.messages.filter({ hasText: "while away" }).count(), 3);
    await using again = await startServer(env);
    for (const { page } of [ann, ben])
      await page
        .getByRole("button", { name: "Try now" })
        .click({ timeout: 2_000 })
        .catch(() => undefined); // it was quicker
    await ben.sees("while away 3");
    await ben.say("after");
    await ann.sees("after");
    const wanted = ["before", "while away 1", "while away 2", "while away 3", "after"];
    for (const person of [ann, ben]) assert.deepEqual(await textsOf(person), wanted);
    await ann.page.reload();
    await ann.sees("after");
    await waitFor(async () => (await textsOf(ann)).length >= wanted.length, "the list to be drawn", PATIENCE_MS);
    assert.deepEqual(await textsOf(ann), wanted);
    assert.equal((await fetch(`${again.url}/health/ready`)).status, 200);
  });
});
