import assert from "node:assert/strict";
import type { Message } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { erasedAmong } from "../../mixins/message-log/index.ts";
import { befriend, buildUser, text, type Im, type TestUser } from "./im.ts";
import { waitFor } from "./wait.ts";

/** Words that stand nowhere else. */
let said = 0;
export const secret = (): string => `secret${++said}words`;

/** Two friends, of whom one goes. */
export interface ErasedChat {
  readonly im: Im;
  /** Whose account is erased. */
  readonly gone: TestUser;
  readonly other: TestUser;
  readonly conversationId: string;
  send(params?: Params<"message.send">, as?: TestUser): Promise<Message>;
  /** Erases the account; resolves when everybody has done their part. */
  erase(): Promise<void>;
  /** All that `other` reads. */
  history(): Promise<Message[]>;
}

export async function createErasedChat(im: Im): Promise<ErasedChat> {
  const [gone, other] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, gone, other);
  return {
    im,
    gone,
    other,
    conversationId,
    async send(params = text(conversationId), { userId } = gone) {
      const { messageId } = await im.node.as(userId, "message.send", params);
      const { items } = await im.node.as(userId, "message.history", { conversationId: params.conversationId, limit: 100 });
      return items.find((item) => "messageId" in item && item.messageId === messageId) as Message;
    },
    async erase() {
      await im.node.as(gone.userId, "user.deleteMe", {});
      await im.settled();
      assert.equal((await erasedAmong(im.sql, [gone.userId])).size, 1);
    },
    async history() {
      return (await im.node.as(other.userId, "message.history", { conversationId, limit: 100 })).items as Message[];
    },
  };
}

/** Waits until no message is on its way. */
export const nothingPending = (im: Im): Promise<boolean> =>
  waitFor(async () => (await im.hot.conversations.pendingStats()).count === 0, "nothing is pending");
/** Sends a text of the one who goes. */
export const sendWords = ({ im, gone, conversationId }: ErasedChat, words: string): Promise<unknown> =>
  im.node.as(gone.userId, "message.send", text(conversationId, words));
