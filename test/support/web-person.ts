import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import type { OpenBrowser, Visitor } from "./browser.ts";
import { RestClient } from "../../scripts/rest-client.ts";

const PASSWORD = "lantern-quartz-42";
let people = 0;

/** Somebody in front of the web client, in English unless the options say otherwise. */
export interface WebPerson {
  readonly username: string;
  readonly page: Page;
  readonly visitor: Visitor;
  readonly userId: string;
  /** For what they do by REST, so that a test need not click it. */
  readonly rest: RestClient;
  /** Opens a conversation of the list. */
  openChat(name: string): Promise<void>;
  /** Writes into the composer and sends. */
  say(text: string): Promise<void>;
  /** The messages of the open conversation. */
  readonly messages: Locator;
  /** Waits until a message with this text is on the screen, once. */
  sees(text: string): Promise<Locator>;
}

export interface WebPersonOptions extends BrowserContextOptions {
  readonly username?: string;
  readonly nickname?: string;
  /** Where the browser finds the server, when that is another address than that of REST calls. */
  readonly pageUrl?: string;
}

/** Somebody who has an account and no screen. */
export type RestPerson = Pick<WebPerson, "username" | "userId" | "rest">;

/** Makes an account by REST. */
export async function restPerson(url: string, { username = nextName(), nickname }: WebPersonOptions = {}): Promise<RestPerson> {
  const account = { username, password: PASSWORD };
  const rest = new RestClient(url);
  await rest.post("/users/register", { ...account, ...(nickname !== undefined && { nickname }) });
  const { accessToken, user } = await rest.post<{ accessToken: string; user: { userId: string } }>("/users/login", {
    ...account,
    deviceId: "by-hand",
  });
  return { username, userId: user.userId, rest: rest.as(accessToken) };
}

/** Makes an account by REST and signs in by the screen. */
export async function webPerson(chromium: OpenBrowser, url: string, options: WebPersonOptions = {}): Promise<WebPerson> {
  const { username, nickname, pageUrl = url, ...context } = options;
  const who = await restPerson(url, { ...(username !== undefined && { username }), ...(nickname !== undefined && { nickname }) });
  const visitor = await chromium.visitor({ locale: "en-GB", ...context });
  const page = await visitor.open(`${pageUrl}/sign-in`);
  await page.getByRole("textbox").first().fill(who.username);
  await page.locator("input[type=password]").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/chats*");
  return inFrontOf(page, visitor, who);
}

const nextName = (): string => `visitor${process.pid}x${++people}`;

export function inFrontOf(page: Page, visitor: Visitor, who: RestPerson): WebPerson {
  const messages = page.getByRole("article");
  return {
    ...who,
    page,
    visitor,
    messages,
    async openChat(name) {
      await page.getByRole("link", { name }).first().click();
      await page.getByRole("textbox", { name: /^(Message|消息)/ }).waitFor();
    },
    async say(text) {
      await page.getByRole("textbox", { name: /^(Message|消息)/ }).fill(text);
      await page.keyboard.press("Enter");
    },
    async sees(text) {
      const message = messages.filter({ hasText: text });
      await message.first().waitFor();
      return message;
    },
  };
}

/** Makes friends of two people, by REST. */
export async function befriendOnline(one: RestPerson, other: RestPerson): Promise<string> {
  const { requestId } = await one.rest.post<{ requestId: string }>("/social/friends/request", { userId: other.userId });
  await other.rest.put(`/social/friends/request/${requestId}`, { action: "accept" });
  const { conversationId } = await one.rest.post<{ conversationId: string }>("/social/conversations", {
    userId: other.userId,
  });
  return conversationId;
}
