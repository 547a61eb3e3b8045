// node bot.ts <url> <user name> <folder with a file "password">: answers friends, and whoever mentions it in a group
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createClient, type LocalMessage } from "@moleculer-im/client";
import { fileStore } from "@moleculer-im/client/node";

const [url = "", username = "", folder = ""] = process.argv.slice(2);
const im = createClient({ url, store: fileStore(path.join(folder, "store")), deviceType: "bot" });

async function answer({ conversationId, messageId, type, content, mentions }: LocalMessage): Promise<void> {
  const isForMe = im.conversation(conversationId)?.type === "direct" || mentions?.includes(im.me?.userId ?? "");
  if (type !== "text" || !isForMe || messageId === null) return;
  await im.send({ conversationId, content: { text: `You said: ${String(content["text"])}` }, replyTo: messageId });
}

async function acceptFriends(): Promise<void> {
  const { items } = await im.call("friend.requests", { direction: "in", limit: 100 });
  for (const { requestId, status } of items)
    if (status === "pending") await im.call("friend.handleRequest", { requestId, action: "accept" });
}

im.on("message", (message) => void answer(message));
im.on("requests", () => void acceptFriends().catch(() => undefined)); // those that remain are seen the next time
im.on("connection", ({ state }) => void (state === "online" && acceptFriends().catch(() => undefined)));
await im.start();
if (!im.me) await im.signIn({ username, password: (await readFile(path.join(folder, "password"), "utf8")).trim() });
