import { coalesce } from "../../lib/coalesce.ts";
import { call } from "../../lib/service.ts";
import { accessOf, memberRow } from "./access.ts";
import type { MembersDeps } from "./members.ts";
import { cursorKey } from "./cursor-rows.ts";
import { tellOwnDevices, type OwnDevicesDeps } from "./own-devices.ts";
import { othersMayKnow, type ReceiptPushes } from "./receipts.ts";
import type { ConversationRepository, CursorMove, CursorsAhead, StandingCursors } from "./repository.ts";

/** Senders' own cursors are written this often. */
const SENT_EVERY_MS = 1_000;

/** How far senders have got by sending, until it is written: whoever reads a row meanwhile sees it there. */
export class SentCursors implements CursorsAhead {
  readonly #moves = new Map<string, CursorMove>();

  add(moves: readonly CursorMove[]): void {
    for (const move of moves) mergeInto(this.#moves, move);
  }

  waiting(): CursorMove[] {
    return [...this.#moves.values()];
  }

  /** Forgets moves that were written, unless they went on meanwhile. */
  written(moves: readonly CursorMove[]): void {
    for (const move of moves) if (this.#moves.get(cursorKey(move)) === move) this.#moves.delete(cursorKey(move));
  }

  of(userId: string, conversationId: string): CursorMove | undefined {
    return this.#moves.get(cursorKey({ userId, conversationId }));
  }
}

/**
 * Writes cursors. Moves that come while one transaction runs go together into the next; a move that was answered is
 * committed. The cursors of senders follow behind, within a second.
 */
export class CursorWriter {
  /** Gives how the cursors of the moves that were written together stand, by `cursorKey`. */
  readonly advance: (moves: readonly CursorMove[]) => Promise<ReadonlyMap<string, StandingCursors>>;
  readonly #sent: SentCursors;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  readonly #onError: (error: unknown) => void;

  constructor(repository: ConversationRepository, sent: SentCursors, onError: (error: unknown) => void) {
    this.advance = coalesce((moves: readonly CursorMove[]) => repository.advance(merge(moves)));
    this.#sent = sent;
    this.#onError = onError;
  }

  sent(moves: readonly CursorMove[]): void {
    this.#sent.add(moves);
    this.#soon();
  }

  /** Again and again while it fails: nobody may send anything for a long time. */
  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.flush().catch((error: unknown) => {
        this.#onError(error);
        if (!this.#isClosed) this.#soon();
      });
    }, SENT_EVERY_MS).unref();
  }

  /** Writes what waits; nothing is tried again from here on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const moves = this.#sent.waiting();
    if (moves.length === 0) return;
    await this.advance(moves);
    this.#sent.written(moves);
  }
}

function mergeInto(moves: Map<string, CursorMove>, move: CursorMove): void {
  const key = cursorKey(move);
  const known = moves.get(key);
  const furthest = (cursor: "readSeq" | "shownSeq" | "deliveredSeq" | "toldSeq"): number =>
    Math.max(known?.[cursor] ?? 0, move[cursor] ?? 0);
  moves.set(
    key,
    known
      ? {
          ...move,
          readSeq: furthest("readSeq"),
          shownSeq: furthest("shownSeq"),
          deliveredSeq: furthest("deliveredSeq"),
          toldSeq: furthest("toldSeq"),
        }
      : move,
  );
}

function merge(moves: readonly CursorMove[]): CursorMove[] {
  const merged = new Map<string, CursorMove>();
  for (const move of moves) mergeInto(merged, move);
  return [...merged.values()];
}

export interface CursorDeps extends MembersDeps, OwnDevicesDeps {
  readonly writer: CursorWriter;
  readonly receipts: Pick<ReceiptPushes, "tell">;
}
export interface MarkInput {
  readonly userId: string;
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: "read" | "delivered";
  readonly connectionId?: string | undefined;
}

/**
 * Moves a cursor forward, at most to what the user may see, and returns it as it stands. The others get a receipt where they
 * may know; one's own other devices hear what was read.
 */
export async function markCursor(deps: CursorDeps, input: MarkInput): Promise<{ seq: number }> {
  const { userId, conversationId, kind } = input;
  const access = accessOf(await memberRow(deps, userId, conversationId));
  const before = kind === "read" ? access.readSeq : access.deliveredSeq;
  if (input.seq <= before) return { seq: before };
  const [[head], isShown] = await Promise.all([
    call(deps.calls, "message.heads", { items: [{ conversationId, maxSeq: access.maxSeq }] }),
    access.isMember && othersMayKnow(deps, userId, conversationId),
  ]);
  const seq = Math.min(input.seq, head?.maxSeq ?? 0);
  if (seq <= before) return { seq: before };
  const at = deps.now();
  const readSeq = kind === "read" ? seq : 0;
  const known = isShown ? { shownSeq: readSeq, toldSeq: seq } : { shownSeq: 0 };
  const move = { userId, conversationId, readSeq, deliveredSeq: seq, at, ...known };
  const standing = (await deps.writer.advance([move])).get(cursorKey(move));
  if (!standing) return { seq: before };
  if (kind === "read" && standing.isRead) tellRead(deps, input, standing);
  const isMoved = kind === "read" ? standing.isRead : standing.isDelivered;
  if (isMoved && isShown) deps.receipts.tell({ conversationId, userId, kind, seq, at });
  return { seq: kind === "read" ? standing.readSeq : standing.deliveredSeq };
}

/** Tells one's own other devices. */
function tellRead(
  deps: OwnDevicesDeps,
  { userId, conversationId, connectionId }: MarkInput,
  { version, readSeq }: StandingCursors,
): void {
  tellOwnDevices(deps, { userId, conversationId, version: String(version), change: { readSeq }, connectionId });
}
