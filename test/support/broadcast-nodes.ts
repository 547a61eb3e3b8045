import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceSchema } from "moleculer";
import type { Params } from "../../contracts/index.ts";
import type { Broadcast } from "../../contracts/services/notification.ts";
import type { Deliveries } from "../../lib/push.ts";
import type { Database, DatabaseVars } from "../../mixins/database/index.ts";
import type { BroadcastRunner } from "../../services/notification/broadcast/runner.ts";
import notification from "../../services/notification/notification.service.ts";
import settings from "../../services/settings/settings.service.ts";
import user from "../../services/user/user.service.ts";
import { standIn } from "./accounts.ts";
import { createNode, type TestNode } from "./node.ts";
import { waitFor } from "./wait.ts";

/** A node with the notification service, real users and settings, between stand-ins. */
export interface BroadcastNode {
  readonly node: TestNode;
  readonly sql: Database;
  readonly runner: BroadcastRunner;
  isBehind(): Promise<boolean>;
  /** What each call of `socket.deliver` carried. */
  readonly deliveries: Deliveries[];
}

interface BroadcastNodes extends AsyncDisposable {
  readonly nodes: readonly BroadcastNode[];
  /** Who presence says is online. */
  readonly online: Set<string>;
  /** Members of groups. */
  readonly groups: Map<string, readonly string[]>;
}

/** Nodes on one database that do not know of each other: not even leases keep them apart. */
export async function broadcastNodes(count = 1, more: readonly ServiceSchema[] = []): Promise<BroadcastNodes> {
  const stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "im-broadcast-"));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const online = new Set<string>();
  const groups = new Map<string, readonly string[]>();
  const nodes: BroadcastNode[] = [];
  for (let at = 0; at < count; at++) {
    const deliveries: Deliveries[] = [];
    const neighbours = [
      standIn("presence", {
        of: ({ userIds }: { userIds: string[] }) => userIds.map((userId) => ({ userId, online: online.has(userId) })),
      }),
      standIn("socket", { deliver: (params: { deliveries: Deliveries }) => void deliveries.push(params.deliveries) }),
      standIn("group", {
        memberStates: ({ groupId }: { groupId: string }) => {
          const members = groups.get(groupId)?.map((userId) => ({ userId, role: "member", mutedUntil: null }));
          return members ? { allMuted: false, dissolved: false, members } : null;
        },
      }),
    ];
    const node = stack.use(await createNode([user, settings, notification, ...neighbours, ...more], { dataDir }));
    const service = node.broker.getLocalService("notification") as unknown as DatabaseVars & {
      runner: BroadcastRunner;
      isBehind(): Promise<boolean>;
    };
    nodes.push({ node, deliveries, sql: service.sql, runner: service.runner, isBehind: () => service.isBehind() });
  }
  return { nodes, online, groups, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Users `from` to `to`, whose ids are those numbers and who registered at that time. */
export async function addUsers(sql: Database, from: number, to: number, status = "active"): Promise<string[]> {
  const ids = Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
  const rows = ids.map((id) => ({
    ...{ user_id: id, username: `user${id}`, username_key: `user${id}`, password_hash: "", nickname: `User ${id}` },
    ...{ avatar: "", signature: "", gender: "unknown", region: "", phone: null, email: null, status },
    ...{ created_at: Number(id), updated_at: Number(id) },
  }));
  for (let at = 0; at < rows.length; at += 1_000) await sql.insertRows("user", rows.slice(at, at + 1_000), "fail");
  return ids;
}

/** What `send` says. */
export const text = { en: "The server rests tonight.", zh: "服务器今晚维护。" };
export type Filter = Params<"notification.broadcast">["filter"];

/** Begins a broadcast and gives its id. */
export async function send(
  { node }: Pick<BroadcastNode, "node">,
  filter?: Filter,
  data?: Record<string, unknown>,
): Promise<string> {
  const params = { text, ...(filter && { filter }), ...(data && { data }) };
  return (await node.call("notification.broadcast", params)).broadcastId;
}

/** Who has a notification, ascending. */
export async function told(sql: Database): Promise<number[]> {
  const rows = await sql.select<{ user_id: string | number }>("select user_id from notification order by user_id");
  return rows.map((row) => Number(row.user_id));
}

/** Ids that ascend from behind this number. */
export const idsFrom = (start: number): { next(): string } => {
  let last = start;
  return { next: () => String(++last) };
};

/** Waits until a broadcast is over and tells how it ended. */
export function over({ node }: Pick<BroadcastNode, "node">, broadcastId: string, timeoutMs = 20_000): Promise<Broadcast> {
  return waitFor(
    async () => {
      const status = await node.call("notification.broadcastStatus", { broadcastId });
      return status.state === "running" ? null : status;
    },
    "the end of the broadcast",
    timeoutMs,
  );
}

/** That these users, and nobody else, have one notification each. */
export async function assertToldOnce(sql: Database, userIds: readonly string[]): Promise<void> {
  const rows = await sql.select<{ user_id: string | number }>("select user_id from notification");
  const told = rows.map((row) => String(row.user_id)).sort();
  assert.deepEqual(told, [...userIds].sort());
}
