import type { GroupChange } from "../../contracts/events.ts";
import { JOIN_NOISE_GROUP } from "../../contracts/limits.ts";
import { groupConversationId } from "../../lib/conversation-id.ts";
import { push, userRoom } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import { admit, bringIn, close, inChunks, movesOf, refreshStates, takeOut } from "./announce-steps.ts";
import type { AnnounceDeps } from "./deps.ts";

/** A message can name so many. More who come at once are worth one, however large the group is. */
export const NAMED_USERS = 50;

export const isJoiningOrLeaving = ({ event }: Pick<GroupChange, "event">): boolean =>
  event === "member.joined" || event === "member.left";

/**
 * Whether a change is not worth a message to a group of this size (C6): some members more or less in a large one. A removal is,
 * since it is done to somebody.
 */
export function isNoise(change: Pick<GroupChange, "event" | "userIds">, memberCount: number): boolean {
  return isJoiningOrLeaving(change) && memberCount > JOIN_NOISE_GROUP && change.userIds.length <= NAMED_USERS;
}

/**
 * Announces a change that is noise: there is no message, so what newcomers and leavers see ends or begins behind the last message
 * there is. Newcomers read from there, hear, and then may send; leavers are shut out first, and see what was pushed to them until
 * they were out of the room. Nobody else is told: the group's version and its list of members say it.
 * Idempotent; a membership that changed again since is left to the later change.
 * @throws when a service that must know of it could not be told: the durable event brings it again
 */
export async function announceQuietly(deps: AnnounceDeps, groupId: string, change: GroupChange): Promise<void> {
  const conversationId = groupConversationId(groupId);
  const { joined, left } = await movesOf(deps, groupId, change);
  const closedAt = await close(deps, { conversationId, userIds: left, quiet: true });
  await takeOut(deps, conversationId, left);
  await inChunks(left, (userIds) => call(deps.calls, "conversation.left", { conversationId, userIds, closedAt }));
  await admit(deps, { groupId, conversationId, userIds: joined, quiet: true });
  await bringIn(deps, conversationId, joined);
  await refreshStates(deps, conversationId, joined);
  const payload = { groupId, version: String(change.data["version"]) };
  const rooms = [...new Set([change.actorId, ...joined, ...left])].map(userRoom);
  await push(
    deps.calls,
    rooms.map((room) => ({ room, event: "group:updated", payload })),
  );
}
