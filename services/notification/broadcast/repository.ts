import type { Broadcast } from "../../../contracts/services/notification.ts";
import { MAX_ID } from "../../../lib/page.ts";
import { forUpdate } from "../../../mixins/database/dialect.ts";
import type { Database, Tx } from "../../../mixins/database/index.ts";

interface BroadcastRow {
  broadcast_id: string | number;
  text: string;
  data: string;
  filter: string;
  recipients: string | null;
  state: Broadcast["state"];
  total: number;
  done: number;
  told: number;
  position: string | number;
  created_at: number;
  finished_at: number | null;
}

/** What a broadcast says. */
export interface Words {
  readonly text: Broadcast["text"];
  readonly data: Readonly<Record<string, unknown>>;
}

/** A broadcast with what it takes to go on with it. */
export interface OpenBroadcast {
  readonly broadcastId: string;
  readonly filter: Broadcast["filter"];
  /** Those who are not looked at yet, ascending; null: all users behind `position`. */
  readonly recipients: readonly string[] | null;
  /** The last user who was looked at; "0" before the first. */
  readonly position: string;
  readonly createdAt: number;
}

const shown = "broadcast_id, text, filter, state, total, done, told, created_at, finished_at";
type ShownRow = Omit<BroadcastRow, "data" | "recipients" | "position">;

const broadcastOf = (row: ShownRow): Broadcast => ({
  broadcastId: String(row.broadcast_id),
  state: row.state,
  total: row.total,
  done: row.done,
  told: row.told,
  text: JSON.parse(row.text) as Broadcast["text"],
  filter: JSON.parse(row.filter) as Broadcast["filter"],
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});

export async function insertBroadcast(
  sql: Database,
  {
    broadcastId,
    text,
    data,
    filter,
    recipients,
    total,
    createdAt,
  }: Words & Pick<OpenBroadcast, "broadcastId" | "filter" | "recipients" | "createdAt"> & { readonly total: number },
): Promise<void> {
  const row = {
    broadcast_id: broadcastId,
    text: JSON.stringify(text),
    data: JSON.stringify(data),
    filter: JSON.stringify(filter),
    recipients: recipients && JSON.stringify(recipients),
    state: "running",
    total,
    done: 0,
    told: 0,
    position: 0,
    created_at: createdAt,
    finished_at: null,
  };
  await sql.insertRows("broadcast", [row], "fail");
}

export async function findBroadcast(sql: Database, broadcastId: string): Promise<Broadcast | null> {
  const [row] = await sql.select<ShownRow>(`select ${shown} from broadcast where broadcast_id = :broadcastId`, { broadcastId });
  return row ? broadcastOf(row) : null;
}

/** Newest first. */
export async function broadcastsBefore(sql: Database, before: string | null, limit: number): Promise<Broadcast[]> {
  const rows = await sql.select<ShownRow>(
    `select ${shown} from broadcast where broadcast_id < :before order by broadcast_id desc limit :limit`,
    { before: before ?? MAX_ID, limit },
  );
  return rows.map(broadcastOf);
}

/** Those that are not over, oldest first. */
export async function openBroadcastIds(sql: Database): Promise<string[]> {
  const rows = await sql.select<Pick<BroadcastRow, "broadcast_id">>(
    "select broadcast_id from broadcast where state = 'running' order by broadcast_id",
  );
  return rows.map((row) => String(row.broadcast_id));
}

/** null when it is over. */
export async function findOpen(sql: Database, broadcastId: string): Promise<OpenBroadcast | null> {
  const [row] = await sql.select<Pick<BroadcastRow, "filter" | "recipients" | "position" | "created_at">>(
    "select filter, recipients, position, created_at from broadcast where broadcast_id = :broadcastId and state = 'running'",
    { broadcastId },
  );
  if (!row) return null;
  const position = String(row.position);
  return {
    broadcastId,
    filter: JSON.parse(row.filter) as Broadcast["filter"],
    recipients: row.recipients === null ? null : behind(JSON.parse(row.recipients) as string[], BigInt(position)),
    position,
    createdAt: row.created_at,
  };
}

const behind = (userIds: readonly string[], position: bigint): string[] => userIds.filter((userId) => BigInt(userId) > position);

/** Whether it still stands where it stood; it does not move then before `tx` ends. */
export async function holdAt(sql: Database, { broadcastId, position }: OpenBroadcast, tx: Tx): Promise<boolean> {
  const rows = await sql.select(
    `select 1 from broadcast where broadcast_id = :broadcastId and position = :position and state = 'running'${forUpdate(sql)}`,
    { broadcastId, position },
    tx,
  );
  return rows.length > 0;
}

/** How far one step of a broadcast has got it. */
export interface Step {
  readonly position: string;
  readonly done: number;
  readonly told: number;
  readonly isLast: boolean;
}

export async function advance(
  sql: Database,
  broadcastId: string,
  { position, done, told, isLast }: Step,
  now: number,
  tx: Tx,
): Promise<void> {
  const end = isLast ? ", state = 'done', finished_at = :now" : "";
  await sql.execute(
    `update broadcast set position = :position, done = done + :done, told = told + :told${end} where broadcast_id = :broadcastId`,
    isLast ? { broadcastId, position, done, told, now } : { broadcastId, position, done, told },
    tx,
  );
}

/** Leaves one that is over as it is. */
export async function cancel(sql: Database, broadcastId: string, now: number): Promise<void> {
  await sql.execute(
    "update broadcast set state = 'cancelled', finished_at = :now where broadcast_id = :broadcastId and state = 'running'",
    { broadcastId, now },
  );
}

/** What these broadcasts say. */
export async function wordsOf(sql: Database, broadcastIds: readonly string[]): Promise<ReadonlyMap<string, Words>> {
  if (broadcastIds.length === 0) return new Map();
  const rows = await sql.select<Pick<BroadcastRow, "broadcast_id" | "text" | "data">>(
    "select broadcast_id, text, data from broadcast where broadcast_id in (:broadcastIds)",
    { broadcastIds },
  );
  return new Map(
    rows.map((row) => [
      String(row.broadcast_id),
      { text: JSON.parse(row.text) as Words["text"], data: JSON.parse(row.data) as Words["data"] },
    ]),
  );
}
