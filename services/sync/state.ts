import { call, type Calls } from "../../lib/service.ts";
import type { ChangeLog } from "../../mixins/change-log/index.ts";
import type { Standing } from "./choose.ts";
import { digestOf } from "./digest.ts";
import type { SyncVersion } from "./version.ts";

export interface SyncDeps {
  readonly calls: Calls;
  readonly changes: Pick<ChangeLog, "head" | "floor" | "since">;
}

/** How a user stands now. */
export interface State {
  readonly version: SyncVersion;
  readonly standings: readonly (Standing & { readonly deliveredSeq: number; readonly readSeq: number })[];
}

/** Reads the parts of the version first, so that what changes while the rest is read is found with the next sync. */
export async function readState({ calls, changes }: SyncDeps, userId: string): Promise<State> {
  const [position, friends, groups, { version, rows }] = await Promise.all([
    changes.head(),
    call(calls, "friend.version", { userId }),
    call(calls, "group.version", { userId }),
    call(calls, "conversation.forSync", { userId }),
  ]);
  const heads = await call(calls, "message.heads", {
    items: rows.map(({ conversationId, maxSeq }) => ({ conversationId, maxSeq })),
  });
  const standings = rows.map((row, i) => ({ ...row, ...heads[i]! }));
  const digest = digestOf(standings);
  return {
    version: { conversations: version, changes: position, friends: friends.version, groups: groups.version, digest },
    standings,
  };
}
