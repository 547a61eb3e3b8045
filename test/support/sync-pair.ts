import { buildGroup, type Im, type TestUser } from "./im.ts";
import { send, type Person } from "./messages.ts";
import { buildFriends } from "./people.ts";
import { SyncClient, type SyncAnswer, type SyncRequest } from "./sync-client.ts";
import { waitFor } from "./wait.ts";

export interface Pair {
  readonly a: TestUser;
  readonly b: TestUser;
  readonly direct: string;
  readonly group: string;
  readonly groupId: string;
}

/** What tests of sync do on a node. @param of the node, once it runs */
export function syncOn(of: () => Im) {
  const pull = (user: Person, request: SyncRequest = {}): Promise<SyncAnswer> => of().node.as(user.userId, "sync.pull", request);
  const clientOf = (user: Person): SyncClient => new SyncClient((request) => pull(user, request));

  async function say(from: Person, conversationId: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await send(of(), from, conversationId, `words ${i}`);
  }

  /** The cursors of senders are written behind, which is a change of their conversations. */
  async function settled(...people: Person[]): Promise<void> {
    for (const { userId } of people)
      await waitFor(async () => {
        const { items } = await of().node.as(userId, "conversation.list", { limit: 100 });
        const rows = await of().sql.select<{ conversation_id: string; read_seq: number }>(
          "select conversation_id, read_seq from conversation_member where user_id = :userId",
          { userId },
        );
        return items.every((item) =>
          rows.some((row) => row.conversation_id === item.conversationId && Number(row.read_seq) === item.readSeq),
        );
      }, "cursors to be written");
  }

  /** Two friends with a group of the first one, and three messages of theirs in each conversation. */
  async function buildPair(): Promise<Pair> {
    const { a, b, conversationId: direct } = await buildFriends(of());
    const { groupId, conversationId: group } = await buildGroup(of(), a, [b]);
    await say(a, direct, 3);
    await say(a, group, 3);
    await settled(a, b);
    return { a, b, direct, group, groupId };
  }

  return { pull, clientOf, say, settled, buildPair };
}
