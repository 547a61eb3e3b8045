import assert from "node:assert/strict";
import { Refused, type RestAnswer } from "./client.ts";
import { text, type Im, type TestUser } from "./im.ts";

/** How a program that knows the wire contract and nothing else asks, and what it looks at in the answers. */

export type Json = Record<string, unknown>;
/** An object whose fields are objects. */
export type Nested = Record<string, Json>;
export type Page = { items: Json[]; nextCursor: string | null };

/** Names of the fields that an object of a kind has. */
export const fields = {
  user: "avatar gender nickname region signature userId username",
  ownUser: "avatar createdAt email gender nickname phone region signature userId username",
  device: "current deviceId deviceName deviceType lastSeenAt online",
  settings: "dnd language searchable showPresence showReadReceipts whoMayAddMe",
  friend: "muted remark since tags user",
  friendRequest: "createdAt from handledAt message requestId status to",
  group:
    "allMuted announcement avatar conversationId createdAt groupId historyVisible joinMode maxMembers memberCount memberInvite mentionAllBy myRole name ownerId version",
  groupCard: "avatar groupId joinMode memberCount name",
  member: "joinedAt mutedUntil nickname role user userId",
  invitation: "expiresAt group invitationId inviter status",
  inviteLink: "expiresAt inviteCode maxUses uses",
  joinRequest: "createdAt groupId handledAt message requestId status user",
  conversation: "conversationId draft hidden lastMessage maxSeq mentioned muted pinned readSeq type unread",
  message: "clientMsgId content conversationId createdAt messageId senderId seq status type",
  sent: "conversationId createdAt messageId seq",
  notification: "createdAt data notificationId read text type",
  presence: "devices lastSeenAt online userId",
  page: "items nextCursor",
  listed: "since user",
  roster: "items removed version",
} as const;

/** Has exactly these fields. */
export function has(value: unknown, ...names: string[]): void {
  assert.deepEqual(Object.keys(value as object).sort(), names.join(" ").split(" ").sort());
}

/** The data of an answer with this status. */
export async function ok<T = Json>(answer: Promise<RestAnswer<unknown>>, status = 200): Promise<T> {
  const { code, status: given, message, data } = await answer;
  assert.deepEqual([given, code, message], [status, 0, "ok"], JSON.stringify(data));
  return data as T;
}

/** The answer, which is an error with this status and code. */
export async function refused(
  answer: Promise<RestAnswer<unknown>>,
  status: number,
  code?: number,
): Promise<RestAnswer<Json | null>> {
  const given = (await answer) as RestAnswer<Json | null>;
  assert.equal(given.status, status, JSON.stringify(given));
  if (code !== undefined) assert.equal(given.code, code, given.message);
  assert.ok(given.code > 0 && given.message !== "");
  return given;
}

/** Refused as bad input that names these fields. */
export async function names(answer: Promise<RestAnswer<unknown>>, ...expected: string[]): Promise<void> {
  const { data } = await refused(answer, 400);
  const named = (data?.["fields"] as { field: string }[]).map(({ field }) => field);
  for (const field of expected) assert.ok(named.includes(field), `${field} in ${JSON.stringify(data)}`);
}

/** Sends a text, or whatever `more` says, over REST. */
export const send = (who: TestUser, conversationId: string, words = "hello", more: Json = {}): Promise<RestAnswer<Json>> =>
  who.rest.post("/messages", { ...text(conversationId, words), ...more });
/** Sends what is new and must be accepted. */
export const say = (
  who: TestUser,
  conversationId: string,
  words = "hello",
  more: Json = {},
): Promise<{ messageId: string; seq: number }> => ok(send(who, conversationId, words, more), 201);
export const history = (
  who: TestUser,
  conversationId: string,
  query = "",
): Promise<{ items: Json[]; maxSeq: number; minSeq: number }> =>
  ok(who.rest.get(`/messages/conversations/${conversationId}/history${query}`));
export const seqs = ({ items }: { items: Json[] }): unknown[] => items.map(({ seq }) => seq);
/** A conversation as it stands in a user's list. */
export const conversationOf = async (who: TestUser, conversationId: string): Promise<Json | undefined> =>
  (await ok<Page>(who.rest.get("/social/conversations?limit=100"))).items.find((one) => one["conversationId"] === conversationId);

/** What the handshake is refused with; nothing when it is not. */
export async function handshake(
  im: Im,
  token: string | undefined,
  deviceId?: string,
  headers: Record<string, string> = {},
): Promise<Refused["data"]> {
  try {
    await im.connect({ ...(token !== undefined && { token }), ...(deviceId !== undefined && { deviceId }), headers });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Refused);
    return error.data;
  }
}
