import type { GroupChange } from "../../contracts/events.ts";
import type { Content } from "../../contracts/entities.ts";
import { groupConversationId } from "../../lib/conversation-id.ts";
import { conversationRoom, push, userRoom } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import { announceQuietly, NAMED_USERS } from "./announce-quietly.ts";
import {
  admit,
  bringIn,
  close,
  inChunks,
  movesOf,
  refreshStates,
  takeOut,
  type Admission,
  type Moves,
} from "./announce-steps.ts";
import { shutOut } from "./shut-out.ts";
import type { AnnounceDeps } from "./deps.ts";

/** A change as its outbox event carries it. */
export interface Announcement {
  readonly eventId: string;
  readonly groupId: string;
  readonly change: GroupChange;
}

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
  await deps.queue.once(
    eventId,
    groupId,
    () => (change.quiet ? announceQuietly(deps, groupId, change) : announce(deps, announcement)),
    () => shutOut(deps, groupId, change),
  );
}

async function announce(deps: AnnounceDeps, { eventId, groupId, change }: Announcement): Promise<void> {
  const conversationId = groupConversationId(groupId);
  const moves = await movesOf(deps, groupId, change);
  if (stateEvents.has(change.event)) await refreshStates(deps, conversationId, [change.actorId, ...change.userIds]);
  // Whatever keeps the message that says so from being written, they see nothing that others say meanwhile.
  const closedAt = await close(deps, { conversationId, userIds: moves.left });
  let entering: PromiseSettledResult<void>[];
  try {
    // Bounds first: what is pushed to the room looks at those of everybody who is there.
    const admission = await admit(deps, { groupId, conversationId, userIds: moves.joined });
    entering = await Promise.allSettled([bringIn(deps, conversationId, moves.joined)]);
    const { seq } = await call(deps.calls, "message.sendSystem", {
      conversationId,
      clientMsgId: `ev-${eventId}`,
      content: contentOf(change),
    });
    await moveBounds(deps, { conversationId, seq, moves, admission, closedAt });
    await refreshStates(deps, conversationId, moves.joined);
    // Who connected before the bounds were there did not find the group among their own.
    await bringIn(deps, conversationId, moves.joined);
  } finally {
    await takeOut(deps, conversationId, moves.left);
  }
  await pushUpdated(deps, groupId, String(change.data["version"]), moves.left);
  for (const entered of entering) if (entered.status === "rejected") throw entered.reason;
}

function contentOf({ event, actorId, userIds, data }: GroupChange): Content {
  if (event === "group.dissolved") return { event, actorId, ...data };
  const count = userIds.length > NAMED_USERS ? { userCount: userIds.length } : {};
  return { event, actorId, userIds: userIds.slice(0, NAMED_USERS), ...count, ...data };
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
