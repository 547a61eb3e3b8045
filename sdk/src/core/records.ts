import type { Conversation, Message, OwnUser } from "../../../contracts/entities.ts";
import type { ClientEvents, Draft, Refusal } from "../types.ts";

/** Who is signed in, and with what. */
export interface SessionRecord {
  readonly me: OwnUser;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Epoch ms by this device's clock. */
  readonly expiresAt: number;
}

/** What is kept of a conversation. Its messages from `from` to `mark` are in the store, but those deleted for the user. */
export interface ConversationRecord {
  /** As the server gave it, and as pushes changed it since. */
  readonly conversation: Conversation;
  readonly active: boolean;
  /** All up to here that this device wants are here. */
  readonly mark: number;
  readonly from: number;
  /** Nothing before `from` can be seen. */
  readonly fromStart: boolean;
  /** Of the last change of pin, mute, hiding and draft. */
  readonly listVersion: number;
  /** Cursors that the server has been told. */
  readonly toldRead: number;
  readonly toldDelivered: number;
  /** How far the others have got, the first of them. */
  readonly othersDelivered: number;
  readonly othersRead: number;
  readonly persistedSeq: number;
  /** A draft that the server has not been told yet. */
  readonly untoldDraft?: string;
}

/** A message on its way. */
export interface OutboxRecord {
  readonly clientMsgId: string;
  readonly draft: Draft & { readonly type: NonNullable<Draft["type"]> };
  /** Its place among all on their way; a retry goes to the end. */
  readonly order: number;
  readonly createdAt: number;
  readonly failure: Refusal | null;
  /** Where the server has it; it waits for the message as others see it. */
  readonly accepted: { readonly messageId: string; readonly seq: number; readonly createdAt: number } | null;
}

/** What changed, as every tab hears it; all values as they are now. */
export interface Change {
  /** All that was kept is gone. */
  readonly reset?: true;
  readonly conversations?: readonly ConversationRecord[];
  readonly removedConversations?: readonly string[];
  /** Messages that are new or changed, in the order of their conversation. */
  readonly messages?: readonly Message[];
  /** Messages that have changed and are not stored, for who looks at a stretch that is not kept. */
  readonly seen?: readonly Message[];
  /** Of those that are new, what is news for the user. */
  readonly news?: readonly Message[];
  /** Gone for the user; `seq` null: not stored. */
  readonly deleted?: readonly { readonly conversationId: string; readonly messageId: string; readonly seq: number | null }[];
  /** What is stored of these was replaced by the newest page. */
  readonly replaced?: readonly string[];
  /** Everything below these seqs is gone. */
  readonly trimmed?: readonly { readonly conversationId: string; readonly minSeq: number }[];
  readonly outbox?: readonly OutboxRecord[];
  readonly sent?: readonly string[];
  readonly failed?: readonly OutboxRecord[];
  /** What is told and not kept, and lists as a whole. */
  readonly signals?: Partial<ClientEvents>;
}
