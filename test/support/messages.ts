import type { Message, SendResult } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { dataOf, type Client } from "./client.ts";
import { text, type Im, type TestUser } from "./im.ts";

/** What people do with messages. */

export type Person = Pick<TestUser, "userId">;
export type Sent = Result<"message.send">;
type MessageId = Pick<Sent, "messageId">;
/** What a text has beside its words. */
type More = Parameters<typeof text>[2];

export const send = (im: Im, from: Person, conversationId: string, words?: string, more: More = {}): Promise<Sent> =>
  im.node.as(from.userId, "message.send", text(conversationId, words, more));
/** Sends over a socket. */
export const sendFrom = (client: Client, conversationId: string, words?: string, more: More = {}): Promise<SendResult> =>
  client.ok<SendResult>("message:send", text(conversationId, words, more));
export const recall = (im: Im, by: Person, { messageId }: MessageId) => im.node.as(by.userId, "message.recall", { messageId });
export const edit = (im: Im, by: Person, { messageId }: MessageId, words: string) =>
  im.node.as(by.userId, "message.edit", { messageId, content: { text: words } });
export const react = (im: Im, by: Person, { messageId }: MessageId, emoji: string) =>
  im.node.as(by.userId, "message.react", { messageId, emoji });
export const unreact = (im: Im, by: Person, { messageId }: MessageId, emoji: string) =>
  im.node.as(by.userId, "message.unreact", { messageId, emoji });

/** A message as the history of this user has it. */
export async function shown(im: Im, to: Person, { conversationId, seq }: Sent): Promise<Message | undefined> {
  const { items } = await im.node.as(to.userId, "message.history", { conversationId, aroundSeq: seq, limit: 100 });
  return items.find((item) => item.seq === seq) as Message | undefined;
}

/** History over REST. */
export const historyOf = (user: TestUser, conversationId: string, query = ""): Promise<Result<"message.history">> =>
  dataOf(user.rest.get(`/messages/conversations/${conversationId}/history${query}`));

/** What a table holds of one message. */
export const rowsOf = (im: Im, table: string, { conversationId, seq }: Sent) =>
  im.sql.select(`select * from ${table} where conversation_id = :conversationId and seq = :seq`, { conversationId, seq });
