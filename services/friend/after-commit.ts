import { directConversationId } from "../../lib/conversation-id.ts";
import { push, userRoom } from "../../lib/push.ts";
import { call, type Calls } from "../../lib/service.ts";

/** A version of a list of friends, as clients hold it. */
export const versionText = (version: number): string => `f${version}`;

/** Tells the devices of these users that their lists have changed. */
export async function pushVersions(calls: Calls, versions: ReadonlyMap<string, number>): Promise<void> {
  await push(
    calls,
    [...versions].map(([userId, version]) => ({
      room: userRoom(userId),
      event: "friend:updated",
      payload: { version: versionText(version) },
    })),
  );
}

/** Lets sending follow at once what has changed between two users. */
export async function refreshDirect(calls: Calls, userId: string, peerId: string): Promise<void> {
  try {
    await call(calls, "conversation.refreshMembers", {
      conversationId: directConversationId(userId, peerId),
      userIds: [userId, peerId],
    });
  } catch {
    // The event in the outbox brings it about later.
  }
}
