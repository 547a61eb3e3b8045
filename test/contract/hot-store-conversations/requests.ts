import assert from "node:assert/strict";
import type { MessageRecord } from "../../../contracts/records.ts";
import type {
  AcceptOutcome,
  AcceptRequest,
  ConversationSnapshot,
  HotConversations,
  HotMember,
} from "../../../mixins/hot-store/port.ts";
import { buildRecord, newId } from "../../support/records.ts";

/** Wraps the body of a test, which gets conversations that it shares with no other. */
export type Using = (work: (conversations: HotConversations) => Promise<void>) => () => Promise<void>;

export const member = (more: Partial<HotMember> = {}): HotMember => ({
  role: "member",
  mutedUntil: null,
  refusal: null,
  ...more,
});

/** A request to accept a message of user 7, whom SQL does not know. */
export function buildRequest(conversationId: string, more: Partial<AcceptRequest> = {}): AcceptRequest {
  const { seq: _seq, createdAt: _createdAt, ...fields } = buildRecord({ conversationId });
  return { ...fields, bySystem: false, inSql: "absent", ...more };
}

/** Loads a conversation with the members 7 and 8, and gives its id. */
export async function load(conversations: HotConversations, more: Partial<ConversationSnapshot> = {}): Promise<string> {
  const conversationId = more.conversationId ?? `g_${newId()}`;
  const snapshot = {
    conversationId,
    headSeq: 0,
    allMuted: false,
    dissolved: false,
    members: { 7: member(), 8: member() },
    ...more,
  };
  assert.equal(await conversations.load(snapshot, await conversations.generation(conversationId)), true);
  return conversationId;
}

export async function accept(conversations: HotConversations, request: AcceptRequest, now = 1_000): Promise<AcceptOutcome> {
  const [outcome] = await conversations.accept([request], now);
  return outcome!;
}

export async function accepted(conversations: HotConversations, request: AcceptRequest, now = 1_000): Promise<MessageRecord> {
  const outcome = await accept(conversations, request, now);
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  return (outcome as AcceptOutcome & { kind: "accepted" }).record;
}

export const seqOf = (outcome: AcceptOutcome): number | string =>
  outcome.kind === "accepted" ? outcome.record.seq : outcome.kind;
