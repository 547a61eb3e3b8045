import type { GroupChange } from "../../contracts/events.ts";
import { chunksOf } from "../../lib/page.ts";
import { call } from "../../lib/service.ts";
import type { AnnounceDeps } from "./deps.ts";
import { findGroup } from "./repository/groups.ts";
import { unchangedSince } from "./repository/members.ts";

/** Members that one call to another service carries. */
const CHUNK = 500;

/** Whose memberships a change begins or ends, as far as no later change did so again. */
export interface Moves {
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

const membershipEvents = new Set<GroupChange["event"]>([
  "group.created",
  "group.dissolved",
  "member.joined",
  "member.left",
  "member.removed",
]);

export async function movesOf(deps: AnnounceDeps, groupId: string, change: GroupChange): Promise<Moves> {
  const moves = { joined: [] as string[], left: [] as string[] };
  if (!membershipEvents.has(change.event)) return moves;
  await inChunks(change.userIds, async (userIds) => {
    const { joined, left } = await unchangedSince(deps.sql, groupId, userIds, Number(change.data["version"]));
    moves.joined.push(...joined);
    moves.left.push(...left);
  });
  return moves;
}

export async function refreshStates(deps: AnnounceDeps, conversationId: string, userIds: readonly string[]): Promise<void> {
  await inChunks([...new Set(userIds)], (some) =>
    call(deps.calls, "conversation.refreshMembers", { conversationId, userIds: some }),
  );
}

/** What newcomers read: from behind this head on, or everything. */
export interface Admission {
  readonly historyVisible: boolean;
  readonly admittedBehind: number;
}

/** People of one step, and where. `quiet`: no message follows that would put right what cannot be done now. */
interface Step {
  readonly groupId: string;
  readonly conversationId: string;
  readonly userIds: readonly string[];
  readonly quiet?: boolean;
}
interface Closing extends Omit<Step, "groupId"> {
  /** The last message that they see, else the last one there is; who came in behind it stays. */
  readonly seq?: number;
}

/** Newcomers may read. @throws UNAVAILABLE when `quiet` and one of them cannot yet */
export async function admit(deps: AnnounceDeps, { groupId, conversationId, userIds, quiet = false }: Step): Promise<Admission> {
  if (userIds.length === 0) return { historyVisible: false, admittedBehind: 0 };
  const historyVisible = (await findGroup(deps.sql, groupId))?.historyVisible ?? false;
  let admittedBehind = Infinity;
  await inChunks(userIds, async (some) => {
    const { head } = await call(deps.calls, "conversation.admit", {
      conversationId,
      userIds: some,
      historyVisible,
      ...(quiet && { quiet }),
    });
    admittedBehind = Math.min(admittedBehind, head);
  });
  return { historyVisible, admittedBehind };
}

/**
 * Leavers send and see nothing more.
 * @returns the last message that they see, if no message says that they left; of different chunks, the first
 * @throws UNAVAILABLE when `quiet` and one of them is not out yet
 */
export async function close(deps: AnnounceDeps, { conversationId, userIds, quiet = false, seq }: Closing): Promise<number> {
  let closedAt = Infinity;
  await inChunks(userIds, async (some) => {
    const { head } = await call(deps.calls, "conversation.leaving", {
      conversationId,
      userIds: some,
      ...(quiet && { quiet }),
      ...(seq !== undefined && { seq }),
    });
    closedAt = Math.min(closedAt, head);
  });
  return Number.isFinite(closedAt) ? closedAt : 0;
}

/** Newcomers hear what is pushed to the conversation. */
export const bringIn = (deps: AnnounceDeps, conversationId: string, newcomers: readonly string[]): Promise<void> =>
  inChunks(newcomers, (userIds) => moveSockets(deps, "socket.join", conversationId, userIds));

/** Leavers hear nothing more of it. */
export const takeOut = (deps: AnnounceDeps, conversationId: string, leavers: readonly string[]): Promise<void> =>
  inChunks(leavers, (userIds) => moveSockets(deps, "socket.leave", conversationId, userIds));

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

export async function inChunks(items: readonly string[], work: (chunk: string[]) => Promise<unknown>): Promise<void> {
  for (const chunk of chunksOf(items, CHUNK)) await work(chunk);
}
