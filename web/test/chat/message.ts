import type { LocalMessage } from "@moleculer-im/client";

let made = 0;

/** A text of user 1, unless told otherwise. */
export function message(fields: Partial<LocalMessage> = {}): LocalMessage {
  made += 1;
  return {
    key: `key-${made}`,
    messageId: String(made),
    conversationId: "d_1_2",
    seq: made,
    senderId: "1",
    clientMsgId: `client-${made}`,
    type: "text",
    content: { text: "Hello" },
    createdAt: 1_760_000_000_000,
    state: "persisted",
    ...fields,
  };
}
