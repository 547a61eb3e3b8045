import { setImmediate } from "node:timers/promises";
import type { Result } from "../../contracts/index.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { ConversationSnapshot, HotConversations, HotMember } from "../../mixins/hot-store/port.ts";
import type { AccessDeps } from "./access.ts";

export interface MembersDeps extends AccessDeps {
  readonly conversations: HotConversations;
}
type Members = Omit<ConversationSnapshot, "headSeq" | "conversationId">;

/** Members that are read at one time. */
const MEMBERS_PORTION = 1_000;
/** Times that a change of the members may overtake their reading. */
const MAX_ROUNDS = 10;

/**
 * Puts a conversation into the hot store.
 * @returns false when there is none: an unknown group, or two people who are no friends and never wrote to each other
 */
export async function warmConversation(deps: MembersDeps, conversationId: string): Promise<boolean> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const generation = await deps.conversations.generation(conversationId);
    const members = await readMembers(deps, conversationId);
    if (!members) return false;
    const [head] = await call(deps.calls, "message.heads", { items: [{ conversationId, maxSeq: null }] });
    if (await deps.conversations.load({ conversationId, headSeq: head?.maxSeq ?? 0, ...members }, generation)) return true;
  }
  throw imError("UNAVAILABLE");
}

/** What the hot store knows of a member; it is loaded when it is cold. null: no member */
export async function stateOf(deps: MembersDeps, conversationId: string, userId: string): Promise<HotMember | null> {
  let member = await deps.conversations.member(conversationId, userId);
  if (member === "cold" && (await warmConversation(deps, conversationId)))
    member = await deps.conversations.member(conversationId, userId);
  return member === "cold" ? null : member;
}

/** Writes the state of these members through to the hot store, as SQL has it now. */
export async function refreshMembers(deps: MembersDeps, conversationId: string, userIds: readonly string[]): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const generation = await deps.conversations.generation(conversationId);
    const read = await readMembers(deps, conversationId, userIds);
    const members = Object.fromEntries(userIds.map((userId) => [userId, read?.members[userId] ?? null]));
    const all = parseConversationId(conversationId)?.type === "direct" ? (read?.members ?? {}) : members;
    const switches = { allMuted: read?.allMuted ?? false, dissolved: read?.dissolved ?? true };
    if (await deps.conversations.setMembers(conversationId, all, switches, generation)) return;
  }
  await deps.conversations.invalidateMembers(conversationId);
}

async function readMembers(deps: MembersDeps, conversationId: string, userIds?: readonly string[]): Promise<Members | null> {
  const parsed = parseConversationId(conversationId);
  if (parsed?.type === "direct") return directMembers(deps, conversationId, parsed.userIds);
  if (parsed?.type !== "group") return null;
  return groupMembers(deps, { conversationId, groupId: parsed.groupId, userIds });
}

/**
 * Who is a member and may read what is said from here on. Who joined and has not been let in yet may not send either: they would
 * not see what they said themselves.
 */
async function groupMembers(
  deps: MembersDeps,
  { conversationId, groupId, userIds }: { conversationId: string; groupId: string; userIds: readonly string[] | undefined },
): Promise<Members | null> {
  let group: Omit<Members, "members"> | null = null;
  const members: Record<string, HotMember> = {};
  for await (const portion of statesOf(deps, groupId, userIds)) {
    if (!portion) return null;
    const ids = portion.members.map(({ userId }) => userId);
    const letIn = await deps.repository.memberships.activeAmong(conversationId, ids);
    for (const { userId, role, mutedUntil } of portion.members)
      if (letIn.has(userId)) members[userId] = { role, mutedUntil, refusal: null };
    group = { allMuted: portion.allMuted, dissolved: portion.dissolved };
  }
  return group && { ...group, members };
}

/**
 * Of those who are named, else of all, a portion at a time, so that nobody else is held up by a large group. Who changes while they
 * are read is written through afterwards, or what was read is refused, as its generation is not the one of before.
 */
async function* statesOf(
  { calls }: MembersDeps,
  groupId: string,
  userIds: readonly string[] | undefined,
): AsyncGenerator<Result<"group.memberStates">> {
  if (userIds) {
    yield await call(calls, "group.memberStates", { groupId, userIds: [...userIds] });
    return;
  }
  for (let after: string | undefined; ; await setImmediate()) {
    const from = after === undefined ? {} : { after };
    const page = await call(calls, "group.memberStates", { groupId, limit: MEMBERS_PORTION, ...from });
    yield page;
    if (page?.next === undefined) return;
    after = page.next;
  }
}

async function directMembers(deps: MembersDeps, conversationId: string, [a, b]: readonly [string, string]): Promise<Members> {
  const relation = await call(deps.calls, "friend.relation", { userId: a, peerId: b });
  if (relation.areFriends) await deps.repository.ensure(conversationId, [a, b], deps.now());
  return {
    allMuted: false,
    dissolved: false,
    members: {
      [a]: direct(refusalOf(relation)),
      [b]: direct(refusalOf({ ...relation, blockedByMe: relation.blocksMe, blocksMe: relation.blockedByMe })),
    },
  };
}

const direct = (refusal: HotMember["refusal"]): HotMember => ({ role: "member", mutedUntil: null, refusal });

/** Why one may not write to the other: who blocked is told so, everybody else gets one and the same answer. */
export function refusalOf({ areFriends, blockedByMe, blocksMe }: Result<"friend.relation">): HotMember["refusal"] {
  if (blockedByMe) return "BLOCKED_BY_YOU";
  return areFriends && !blocksMe ? null : "CANNOT_MESSAGE";
}
