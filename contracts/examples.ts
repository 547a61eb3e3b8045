import type { ActionName } from "./index.ts";
import type { JsonObject } from "./schema-refs.ts";

/** Bodies that one can try in the published documents. */
export const examples: Partial<Record<ActionName, JsonObject>> = {
  "user.register": { username: "ada", password: "correct-horse-battery", nickname: "Ada" },
  "auth.login": { username: "ada", password: "correct-horse-battery", deviceType: "web" },
  "friend.request": { userId: "7350000000000000001", message: "Hello, it is Ada" },
  "friend.handleRequest": { action: "accept" },
  "group.create": { name: "Engines", joinMode: "invite" },
  "conversation.open": { userId: "7350000000000000001" },
  "message.send": {
    conversationId: "g_7350000000000000002",
    clientMsgId: "0190f0c0-7b7e-7c3a-9b1a-3c2d1e0f0001",
    type: "text",
    content: { text: "Hello" },
  },
  "scheduler.schedule": {
    conversationId: "g_7350000000000000002",
    clientMsgId: "0190f0c0-7b7e-7c3a-9b1a-3c2d1e0f0002",
    type: "text",
    content: { text: "Good morning" },
    sendAt: 1_795_000_000_000,
  },
  "scheduler.change": { content: { text: "Good morning, all" } },
  "message.addFavorite": { messageId: "7350000000000000003" },
  "sync.pull": { conversations: { g_7350000000000000002: 41 }, limit: 20 },
  "conversation.markDelivered": { conversationId: "g_7350000000000000002", seq: 42 },
  "settings.update": { searchable: false },
};
