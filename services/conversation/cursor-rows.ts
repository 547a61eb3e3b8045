import { chunksOf } from "../../lib/page.ts";
import { updateFrom } from "../../mixins/database/dialect.ts";
import { startBurnTimers } from "../../mixins/burn-timers/index.ts";
import type { Database, Row, Tx } from "../../mixins/database/port.ts";
import type { MemberRow } from "./rows.ts";
import { advanceVersions, versionsOf } from "./versions.ts";

/** How far one user has got in one conversation; a cursor that is not given stays. */
export interface CursorMove {
  readonly userId: string;
  readonly conversationId: string;
  readonly readSeq: number;
  /** How far others may know that they have read; a move that is kept from them gives 0. */
  readonly shownSeq: number;
  readonly deliveredSeq: number;
  /** How far others may know that a device has it, beside what they may know to be read. */
  readonly toldSeq?: number;
  readonly at: number;
}

/** The columns of a row that cursors stand in. */
export interface CursorColumns {
  readonly read_seq: number;
  readonly read_at: number;
  readonly shown_seq: number;
  readonly shown_at: number;
  readonly delivered_seq: number;
  readonly delivered_at: number;
  readonly told_seq: number;
}
/** How far a user has got in a conversation after a batch of moves. */
export interface StandingCursors {
  readonly readSeq: number;
  readonly deliveredSeq: number;
  /** Whether this batch moved them. */
  readonly isRead: boolean;
  readonly isDelivered: boolean;
  /** The user's counter at that change; null where nothing was moved. */
  readonly version: number | null;
}
type CursorRow = CursorColumns & Pick<MemberRow, "user_id" | "conversation_id">;

/**
 * Where a move brings the cursors of a row: forward, never back; read pulls delivered along, and shown where the move is shown.
 * null: nowhere
 */
export function moved(
  row: CursorColumns,
  { readSeq, shownSeq, deliveredSeq, toldSeq = 0, at }: CursorMove,
): CursorColumns | null {
  const delivered = Math.max(readSeq, deliveredSeq);
  const isRead = row.read_seq < readSeq;
  const isShown = isRead && row.shown_seq < shownSeq;
  const isDelivered = row.delivered_seq < delivered;
  if (!isRead && !isDelivered) return null;
  return {
    read_seq: isRead ? readSeq : row.read_seq,
    read_at: isRead ? at : row.read_at,
    shown_seq: isShown ? shownSeq : row.shown_seq,
    shown_at: isShown ? at : row.shown_at,
    delivered_seq: isDelivered ? delivered : row.delivered_seq,
    delivered_at: isDelivered ? at : row.delivered_at,
    told_seq: Math.max(row.told_seq, isDelivered ? toldSeq : 0, isRead ? shownSeq : 0),
  };
}

/** Rows of one transaction; SQLite takes up to 500 terms in one SELECT. */
const PORTION = 256;
const cursors = ["read_seq", "read_at", "shown_seq", "shown_at", "delivered_seq", "delivered_at", "told_seq"] as const;
const keys = ["user_id", "conversation_id"] as const;
const written = [...cursors, "version"] as const;
const onKey =
  "conversation_member.user_id = listed.of_user_id and conversation_member.conversation_id = listed.of_conversation_id";

/**
 * Moves cursors, those of rows that are there: four statements for each 256 of them. Each row is named once at most.
 * @returns how they stand, by `cursorKey`
 */
export async function advanceCursors(sql: Database, given: readonly CursorMove[]): Promise<ReadonlyMap<string, StandingCursors>> {
  const standing = new Map<string, StandingCursors>();
  for (const portion of chunksOf(given, PORTION)) {
    const steps = await sql.transaction(async (tx) => {
      const userIds = [...new Set(portion.map(({ userId }) => userId))];
      await advanceVersions(sql, tx, userIds);
      const versions = await versionsOf(sql, tx, userIds);
      const rows = await rowsOf(sql, tx, portion);
      const taken = portion.flatMap((move) => {
        const row = rows.get(cursorKey(move));
        return row ? [{ move, row, to: moved(row, move), version: versions.get(move.userId)! }] : [];
      });
      await write(
        sql,
        tx,
        taken.flatMap(({ move, to, version }) => (to ? [{ ...key(move), ...to, version }] : [])),
      );
      await startBurnTimers(sql, portion, tx);
      return taken;
    });
    for (const step of steps) standing.set(cursorKey(step.move), standingOf(step));
  }
  return standing;
}

function standingOf({ row, to, version }: { row: CursorRow; to: CursorColumns | null; version: number }): StandingCursors {
  const { read_seq: readSeq, delivered_seq: deliveredSeq } = to ?? row;
  const [isRead, isDelivered] = [Number(row.read_seq) < readSeq, Number(row.delivered_seq) < deliveredSeq];
  return { readSeq: Number(readSeq), deliveredSeq: Number(deliveredSeq), isRead, isDelivered, version: to && version };
}

const key = ({ userId, conversationId }: CursorMove): Row => ({ user_id: userId, conversation_id: conversationId });
/** The row that a move is of. */
export const cursorKey = ({ userId, conversationId }: Pick<CursorMove, "userId" | "conversationId">): string =>
  `${userId} ${conversationId}`;

/** Nobody else changes them: the counters of their users are held. */
async function rowsOf(sql: Database, tx: Tx, moves: readonly CursorMove[]): Promise<ReadonlyMap<string, CursorRow>> {
  const { source, params } = listOf(moves.map(key), keys);
  const rows = await sql.select<CursorRow>(
    `select user_id, conversation_id, ${cursors.join(", ")} from ${source} join conversation_member on ${onKey}`,
    params,
    tx,
  );
  return new Map(rows.map((row) => [cursorKey({ userId: String(row.user_id), conversationId: row.conversation_id }), row]));
}

async function write(sql: Database, tx: Tx, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const { source, params } = listOf(rows, [...keys, ...written]);
  const set = written.map((column) => `${column} = listed.of_${column}`).join(", ");
  await sql.execute(updateFrom(sql, { table: "conversation_member", source, on: onKey, set }), params, tx);
}

/**
 * Rows as a table `listed`, its columns with `of_` before their names. It has a power of two of rows, so that there are few texts
 * of it: the last one stands there repeatedly. (A list of tuples would do for keys, but MariaDB compares ids in them as floating
 * point numbers, and takes neighbours for the same.)
 */
function listOf(rows: readonly Row[], columns: readonly string[]): { source: string; params: Row } {
  const count = 2 ** Math.ceil(Math.log2(rows.length));
  const params: Row = {};
  const terms = Array.from({ length: count }, (_, i) => {
    const row = rows[Math.min(i, rows.length - 1)]!;
    const values = columns.map((column) => {
      params[`${column}_${i}`] = row[column]!;
      const value = `:${column}_${i}`;
      return `${column === "user_id" ? `cast(${value} as signed)` : value} as of_${column}`;
    });
    return `select ${values.join(", ")}`;
  });
  return { source: `(${terms.join(" union all ")}) listed`, params };
}
