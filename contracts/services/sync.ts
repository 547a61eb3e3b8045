import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Change, Conversation, SyncPage } from "../entities.ts";
import { MAX_SYNC_CONVERSATIONS } from "../limits.ts";
import { Closed, ConversationId, Limit, Nullable, Seq, SyncCursor, SyncVersion, Version } from "../primitives.ts";

export const syncContract = {
  pull: {
    summary: "What changed since a version, or all that a new device needs; newest conversations first",
    params: Closed({
      conversations: Type.Optional(
        Type.Record(ConversationId, Nullable(Seq), {
          maxProperties: MAX_SYNC_CONVERSATIONS,
          additionalProperties: false,
          description: "The last seq that the client has of each conversation; 0 or null: the newest page, please",
        }),
      ),
      version: Type.Optional(SyncVersion),
      limit: Limit,
      cursor: Type.Optional(SyncCursor),
    }),
    result: Closed({
      version: SyncVersion,
      conversations: Type.Array(Conversation),
      messages: Type.Record(ConversationId, SyncPage),
      changes: Type.Array(Change),
      friendsVersion: Version,
      groupsVersion: Version,
      removed: Type.Array(ConversationId, { description: "Those of these conversations that I am no member of any more" }),
      reset: Type.Boolean({ description: "Forget what you have and begin with this answer" }),
      nextCursor: Nullable(SyncCursor),
    }),
    idempotent: true,
  },
  summary: {
    summary: "Conversations with messages that I have not read or that were not delivered",
    params: Closed({}),
    result: Closed({
      conversations: Type.Array(Conversation),
      unread: Type.Integer({ minimum: 0, description: "Over all conversations" }),
      version: SyncVersion,
    }),
    idempotent: true,
  },
  messages: {
    summary: "What was not delivered of one conversation, ascending by seq",
    params: Closed({ conversationId: ConversationId, afterSeq: Type.Optional(Seq), limit: Limit }),
    result: SyncPage,
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
} satisfies ServiceContract;
