import { readFile } from "node:fs/promises";
import { createClient, ImError, StoreError, type ImClient } from "../index.ts";
import { fileStore } from "../node.ts";
import { Chat, CommandError } from "./chat.ts";
import { runLine } from "./commands.ts";
import type { Options } from "./options.ts";
import type { Screen } from "./screen.ts";

/** How long to wait for the server before commands are taken without it, and for what is on its way at the end. */
const CONNECT_MS = 5_000;
const FLUSH_MS = 10_000;

/** One sitting. @returns the exit code */
export async function run(options: Options, screen: Screen): Promise<number> {
  const store = fileStore(options.storeFile);
  const im = createClient({ url: options.url, store, deviceType: "desktop", deviceName: "im-chat", tabs: false });
  try {
    await im.start();
    if (!im.me) await signIn(im, options, screen);
    return await chatUntilEnd(im, screen);
  } catch (error) {
    screen.write(`im-chat: ${sayError(error)}`);
    return 1;
  } finally {
    await im.stop().catch(() => undefined); // a store that did not open does not close
  }
}

async function signIn(im: ImClient, { user, isSignUp, nickname, passwordFile }: Options, screen: Screen): Promise<void> {
  const password = passwordFile === null ? await screen.readSecret("Password: ") : await firstLineOf(passwordFile);
  if (!password) throw new CommandError("no password was given");
  if (isSignUp) await im.register({ username: user, password, ...(nickname !== null && { nickname }) });
  else await im.signIn({ username: user, password });
}

async function firstLineOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError(`the password cannot be read: ${(error as Error).message}`);
  });
  return text.split(/\r?\n/)[0];
}

async function chatUntilEnd(im: ImClient, screen: Screen): Promise<number> {
  let isSignedOut = false;
  im.on("session", ({ me, reason }) => {
    if (me) return;
    isSignedOut = true;
    screen.write(`-- signed out: ${reason ?? "the session has ended"}`);
    screen.close();
  });
  const chat = new Chat(im, (line) => screen.write(line));
  screen.write(`-- ${im.me?.nickname} (${im.me?.username}); /help lists what you can type`);
  chat.list();
  await until(im, () => im.connection.state === "online" || im.connection.state === "offline", CONNECT_MS);
  for (;;) {
    const line = await screen.read();
    if (line === null || isSignedOut) break;
    try {
      if (!(await runLine(chat, line))) break;
    } catch (error) {
      screen.write(`! ${sayError(error)}`);
    }
  }
  if (!isSignedOut && im.connection.state === "online") await until(im, () => !isSending(im), FLUSH_MS);
  chat.close();
  return isSignedOut ? 1 : 0;
}

const isSending = (im: ImClient): boolean => im.conversations.some(({ lastMessage }) => lastMessage?.state === "sending");

/** Waits for a state of the client, and no longer than it makes sense. */
async function until(im: ImClient, isReached: () => boolean, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const off of listeners) off();
      resolve();
    };
    const look = (): void => {
      if (isReached()) done();
    };
    const timer = setTimeout(done, timeoutMs);
    const listeners = [im.on("connection", look), im.on("conversations", look), im.on("session", look)];
    look();
  });
}

/** What people can act on; anything else is a defect and shows where it is. */
function sayError(error: unknown): string {
  if (error instanceof ImError && error.code === 0) return `${error.message} (the server cannot be asked now)`;
  if (error instanceof ImError || error instanceof CommandError) return error.message;
  if (error instanceof StoreError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
