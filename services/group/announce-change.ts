import type { GroupChange } from "../../contracts/events.ts";
import type { Content } from "../../contracts/entities.ts";
import { groupConversationId } from "../../lib/conversation-id.ts";
import { chunksOf } from "../../lib/page.ts";
import { conversationRoom, push, userRoom } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import type { AnnounceDeps } from "./deps.ts";
import { findGroup } from "./repository/groups.ts";
import { unchangedSince } from "./repository/members.ts";

/** A change as its outbox event carries it. */
export interface Announcement {
  readonly eventId: string;
  readonly groupId: string;
  readonly change: GroupChange;
}

/** Whose memberships a change begins or ends, as far as no later change did so again. */
interface Moves {
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

/** Members that one call to another service carries. */
const CHUNK = 500;
/** Ids that a system message names; one that concerns more people gives their number as `userCount`. */
const NAMED_USERS = 50;

const membershipEvents = new Set<GroupChange["event"]>([
  "group.created",
  "group.dissolved",
  "member.joined",
  "member.left",
  "member.removed",
]);
const stateEvents = new Set<GroupChange["event"]>([
  "group.muted",
  "group.unmuted",
  "group.owner.changed",
  "member.role.changed",
  "member.muted",
  "member.unmuted",
]);

/**
 * Tells the other services and the members of a committed change (C5), in an order in which nobody can send who may not any
 * more, newcomers hear the message that says they joined and can send nothing before it, which they would not see themselves,
 * and leavers hear the one that says they left: the states of others than newcomers into the hot store, the end for leavers, newcomers allowed to
 * read from here and into the room, the system message, bounds of those who joined or left, states of newcomers, leavers out
 * of the room, `group:updated`.
 * Idempotent; a membership that changed again since is left to the later change.
 * @throws when a service that must know of it could not be told: the durable event brings it again
 */
export async function announceChange(deps: AnnounceDeps, announcement: Announcement): Promise<void> {
  const { eventId, groupId, change } = announcement;
  try {
    await deps.queue.once(eventId, groupId, () => announce(deps, announcement));
  } catch (error) {
    // Whatever is away now, and until it is told again: who has left sees and hears nothing more.
    const { left } = await movesOf(deps, groupId, change);
    const conversationId = groupConversationId(groupId);
    await Promise.allSettled([close(deps, conversationId, left), takeOut(deps, conversationId, left)]);
    throw error;
  }
}

async function announce(deps: AnnounceDeps, { eventId, groupId, change }: Announcement): Promise<void> {
  const conversationId = groupConversationId(groupId);
  const moves = await movesOf(deps, groupId, change);
  if (stateEvents.has(change.event)) await refreshStates(deps, conversationId, [change.actorId, ...change.userIds]);
  // Whatever keeps the message that says so from being written, they see nothing that others say meanwhile.
  const closedAt = await close(deps, conversationId, moves.left);
  let entering: PromiseSettledResult<void>[];
  try {
    // Bounds first: what is pushed to the room looks at those of everybody who is there.
    const admission = await admit(deps, { groupId, conversationId, userIds: moves.joined });
    entering = await Promise.allSettled([
      inChunks(moves.joined, (userIds) => moveSockets(deps, "socket.join", conversationId, userIds)),
    ]);
    const { seq } = await call(deps.calls, "message.sendSystem", {
      conversationId,
      clientMsgId: `ev-${eventId}`,
      content: contentOf(change),
    });
    await moveBounds(deps, { conversationId, seq, moves, admission, closedAt });
    await refreshStates(deps, conversationId, moves.joined);
    // Who connected before the bounds were there did not find the group among their own.
    await inChunks(moves.joined, (userIds) => moveSockets(deps, "socket.join", conversationId, userIds));
  } finally {
    await takeOut(deps, conversationId, moves.left);
  }
  await pushUpdated(deps, groupId, String(change.data["version"]), moves.left);
  for (const entered of entering) if (entered.status === "rejected") throw entered.reason;
}

const takeOut = (deps: AnnounceDeps, conversationId: string, leavers: readonly string[]): Promise<void> =>
  inChunks(leavers, (userIds) => moveSockets(deps, "socket.leave", conversationId, userIds));

async function movesOf(deps: AnnounceDeps, groupId: string, change: GroupChange): Promise<Moves> {
  const moves = { joined: [] as string[], left: [] as string[] };
  if (!membershipEvents.has(change.event)) return moves;
  await inChunks(change.userIds, async (userIds) => {
    const { joined, left } = await unchangedSince(deps.sql, groupId, userIds, Number(change.data["version"]));
    moves.joined.push(...joined);
    moves.left.push(...left);
  });
  return moves;
}

function contentOf({ event, actorId, userIds, data }: GroupChange): Content {
  if (event === "group.dissolved") return { event, actorId, ...data };
  const count = userIds.length > NAMED_USERS ? { userCount: userIds.length } : {};
  return { event, actorId, userIds: userIds.slice(0, NAMED_USERS), ...count, ...data };
}

async function refreshStates(deps: AnnounceDeps, conversationId: string, userIds: readonly string[]): Promise<void> {
  await inChunks([...new Set(userIds)], (some) =>
    call(deps.calls, "conversation.refreshMembers", { conversationId, userIds: some }),
  );
}

/** What newcomers read: from behind this head on, or everything. */
interface Admission {
  readonly historyVisible: boolean;
  readonly admittedBehind: number;
}

async function admit(
  deps: AnnounceDeps,
  { groupId, conversationId, userIds }: { groupId: string; conversationId: string; userIds: readonly string[] },
): Promise<Admission> {
  if (userIds.length === 0) return { historyVisible: false, admittedBehind: 0 };
  const historyVisible = (await findGroup(deps.sql, groupId))?.historyVisible ?? false;
  let admittedBehind = Infinity;
  await inChunks(userIds, async (some) => {
    const { head } = await call(deps.calls, "conversation.admit", { conversationId, userIds: some, historyVisible });
    admittedBehind = Math.min(admittedBehind, head);
  });
  return { historyVisible, admittedBehind };
}

/** @returns the last message that leavers see before the one that says so; of different chunks, the first */
async function close(deps: AnnounceDeps, conversationId: string, leavers: readonly string[]): Promise<number> {
  let closedAt = Infinity;
  await inChunks(leavers, async (userIds) => {
    closedAt = Math.min(closedAt, (await call(deps.calls, "conversation.leaving", { conversationId, userIds })).head);
  });
  return Number.isFinite(closedAt) ? closedAt : 0;
}

interface Bounds {
  readonly conversationId: string;
  readonly seq: number;
  readonly moves: Moves;
  readonly admission: Admission;
  readonly closedAt: number;
}

async function moveBounds(deps: AnnounceDeps, { conversationId, seq, moves, admission, closedAt }: Bounds): Promise<void> {
  await inChunks(moves.joined, (userIds) =>
    call(deps.calls, "conversation.joined", { conversationId, userIds, seq, ...admission }),
  );
  await inChunks(moves.left, (userIds) => call(deps.calls, "conversation.left", { conversationId, userIds, seq, closedAt }));
}

/** Answers in a few milliseconds, unless a gateway has died and is asked or told of it. */
const SOCKETS_TIMEOUT_MS = 1_500;
const SOCKETS_TRIES = 3;

/**
 * Where no gateway runs there is no connection to move. When a gateway has died the others do it; whoever asked hears of the dead
 * one, and another gateway is asked.
 */
async function moveSockets(
  deps: AnnounceDeps,
  action: "socket.join" | "socket.leave",
  conversationId: string,
  userIds: string[],
): Promise<void> {
  for (let left = SOCKETS_TRIES; ; left--) {
    try {
      await call(deps.calls, action, { conversationId, userIds }, { timeout: SOCKETS_TIMEOUT_MS });
      return;
    } catch (error) {
      const { type = "" } = error as { type?: string };
      if (["SERVICE_NOT_FOUND", "SERVICE_NOT_AVAILABLE"].includes(type)) return;
      if (type !== "REQUEST_TIMEOUT" || left === 1) throw error;
    }
  }
}

/** To the members, and to those who have left the room with this change. */
export async function pushUpdated(
  deps: Pick<AnnounceDeps, "calls">,
  groupId: string,
  version: string,
  leftIds: readonly string[] = [],
): Promise<void> {
  const rooms = [conversationRoom(groupConversationId(groupId)), ...leftIds.map(userRoom)];
  await inChunks(rooms, (some) =>
    push(
      deps.calls,
      some.map((room) => ({ room, event: "group:updated", payload: { groupId, version } })),
    ),
  );
}

async function inChunks(items: readonly string[], work: (chunk: string[]) => Promise<unknown>): Promise<void> {
  for (const chunk of chunksOf(items, CHUNK)) await work(chunk);
}
