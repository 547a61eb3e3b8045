import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { browser, type OpenBrowser, type Visitor } from "../support/browser.ts";
import { servedWebClient } from "../support/web-client.ts";
import { restPerson } from "../support/web-person.ts";

/** Signs up by the screen, as somebody does who opens the address that the server prints. */
async function signUp(chromium: OpenBrowser, url: string, username: string): Promise<{ visitor: Visitor; page: Page }> {
  const visitor = await chromium.visitor({ locale: "en-GB" });
  const page = await visitor.open(url);
  await page.getByRole("link", { name: "Create one" }).click();
  await page.getByRole("textbox", { name: "User name", exact: true }).fill(username);
  await page.getByLabel("Password", { exact: true }).fill("lantern-quartz-42");
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.waitForURL("**/chats*");
  return { visitor, page };
}

describe("two new people", { skip: browser.skip }, () => {
  const served = servedWebClient();

  it("sign up, find each other and write their first message by clicking alone", async () => {
    const ann = await signUp(served.chromium, served.im.url, "ann");
    const ben = await signUp(served.chromium, served.im.url, "ben");

    await ann.page.getByRole("link", { name: /^Contacts/ }).click();
    await ann.page.getByRole("button", { name: "Add friend" }).first().click();
    const dialog = ann.page.getByRole("dialog", { name: "Add a friend" });
    await dialog.getByRole("textbox", { name: /User name/ }).fill("ben");
    await dialog.getByRole("button", { name: "Search" }).click();
    await dialog.getByRole("button", { name: "Send friend request" }).click();
    await dialog.getByText("Your friend request waits for an answer.").waitFor();

    await ben.page.getByRole("link", { name: /^Contacts.*1 request/ }).click();
    await ben.page.getByRole("link", { name: /^New requests/ }).click();
    await ben.page.getByRole("button", { name: /^Accept/ }).click();
    await ben.page.getByRole("link", { name: /^Contacts/ }).click();
    await ben.page.getByRole("link", { name: /ann/ }).first().click();
    await ben.page.getByRole("button", { name: "Message", exact: true }).click();
    await ben.page.getByRole("textbox", { name: /^Message/ }).fill("Hello Ann!");
    await ben.page.keyboard.press("Enter");

    await ann.page.goto(`${served.im.url}/chats`);
    await ann.page.getByRole("link", { name: /ben/ }).first().click();
    await ann.page.getByRole("article").filter({ hasText: "Hello Ann!" }).waitFor();
    for (const { visitor } of [ann, ben]) assert.deepEqual(visitor.problems, []);
  });

  it("are told what is wrong with a name that is taken and a password that is easy", async () => {
    await restPerson(served.im.url, { username: "anna" });
    const { page } = await (async () => {
      const visitor = await served.chromium.visitor({ locale: "en-GB" });
      return { page: await visitor.open(`${served.im.url}/sign-up`) };
    })();
    const fill = async (username: string, password: string): Promise<void> => {
      await page.getByRole("textbox", { name: "User name", exact: true }).fill(username);
      await page.getByLabel("Password", { exact: true }).fill(password);
      await page.getByRole("button", { name: "Create an account" }).click();
    };
    await fill("anna", "lantern-quartz-42");
    await page.getByText("This user name is taken").waitFor();
    await fill("cleo", "password1");
    await page.getByText("too easy to guess").waitFor();
    await fill("c", "short");
    await page.getByText("Use 8 to 128 characters.").waitFor();
  });
});
