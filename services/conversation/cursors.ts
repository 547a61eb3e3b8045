import { parseConversationId } from "../../lib/conversation-id.ts";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import { coalesce } from "../../lib/coalesce.ts";
import { toConversation } from "../../lib/message-view.ts";
import { push, userRoom } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import { accessOf, memberRow } from "./access.ts";
import { stateOf, type MembersDeps } from "./members.ts";
import type { ConversationRepository, CursorMove, CursorsAhead } from "./repository.ts";

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
    for (const move of moves) if (this.#moves.get(keyOf(move)) === move) this.#moves.delete(keyOf(move));
  }

  of(userId: string, conversationId: string): CursorMove | undefined {
    return this.#moves.get(keyOf({ userId, conversationId }));
  }
}

/**
 * Writes cursors. Moves that come while one transaction runs go together into the next; a move that was answered is
 * committed. The cursors of senders follow behind, within a second.
 */
export class CursorWriter {
  readonly advance: (moves: readonly CursorMove[]) => Promise<void>;
  readonly #sent: SentCursors;
  #timer: NodeJS.Timeout | null = null;
  readonly #onError: (error: unknown) => void;

  constructor(repository: ConversationRepository, sent: SentCursors, onError: (error: unknown) => void) {
    this.advance = coalesce((moves: readonly CursorMove[]) => repository.advance(merge(moves)));
    this.#sent = sent;
    this.#onError = onError;
  }

  sent(moves: readonly CursorMove[]): void {
    this.#sent.add(moves);
    this.#timer ??= setTimeout(() => {
      this.flush().catch(this.#onError);
    }, SENT_EVERY_MS).unref();
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

const keyOf = ({ userId, conversationId }: Pick<CursorMove, "userId" | "conversationId">): string =>
  `${userId} ${conversationId}`;

function mergeInto(moves: Map<string, CursorMove>, move: CursorMove): void {
  const key = keyOf(move);
  const known = moves.get(key);
  const furthest = (cursor: "readSeq" | "shownSeq" | "deliveredSeq"): number => Math.max(known?.[cursor] ?? 0, move[cursor]);
  moves.set(
    key,
    known
      ? { ...move, readSeq: furthest("readSeq"), shownSeq: furthest("shownSeq"), deliveredSeq: furthest("deliveredSeq") }
      : move,
  );
}

function merge(moves: readonly CursorMove[]): CursorMove[] {
  const merged = new Map<string, CursorMove>();
  for (const move of moves) mergeInto(merged, move);
  return [...merged.values()];
}

export interface CursorDeps extends MembersDeps {
  readonly writer: CursorWriter;
}
export interface MarkInput {
  readonly userId: string;
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: "read" | "delivered";
  readonly connectionId?: string | undefined;
}

/** Moves a cursor forward, at most to what the user may see, and returns it as it stands. */
export async function markCursor(deps: CursorDeps, input: MarkInput): Promise<{ seq: number }> {
  const { userId, conversationId, kind } = input;
  const access = accessOf(await memberRow(deps, userId, conversationId));
  const before = kind === "read" ? access.readSeq : access.deliveredSeq;
  if (input.seq <= before) return { seq: before };
  const [head] = await call(deps.calls, "message.heads", { items: [{ conversationId, maxSeq: access.maxSeq }] });
  const seq = Math.min(input.seq, head?.maxSeq ?? 0);
  if (seq <= before) return { seq: before };
  const isShown = access.isMember && (await othersMayKnow(deps, userId, conversationId));
  const at = deps.now();
  const readSeq = kind === "read" ? seq : 0;
  await deps.writer.advance([{ userId, conversationId, readSeq, shownSeq: isShown ? readSeq : 0, deliveredSeq: seq, at }]);
  await tell(deps, { ...input, seq }, at, isShown);
  return { seq };
}

/**
 * Whether others may learn how far the user gets: not while one of two has blocked the other, or they are no friends any
 * more. What is kept from them stays so; the next reading that is not tells them.
 */
export async function othersMayKnow(deps: MembersDeps, userId: string, conversationId: string): Promise<boolean> {
  return (await stateOf(deps, conversationId, userId))?.refusal === null;
}

/**
 * A receipt for the others when they may know, unless the user hides receipts or the group is large; a hint for one's own
 * other devices.
 */
async function tell(
  deps: CursorDeps,
  { userId, conversationId, seq, kind, connectionId }: MarkInput,
  at: number,
  isShown: boolean,
): Promise<void> {
  const own = userRoom(userId);
  if (kind === "read") {
    const payload = { conversationId, version: `r${seq}`, readSeq: seq };
    await push(deps.calls, [
      connectionId === undefined
        ? { room: own, event: "conversation:updated", payload }
        : { room: own, event: "conversation:updated", payload, except: [connectionId] },
    ]);
  }
  if (!isShown || !(await showsReceipts(deps, userId, conversationId))) return;
  await push(deps.calls, toConversation(conversationId, `receipt:${kind}`, { conversationId, userId, seq, at }, [own]));
}

async function showsReceipts({ calls }: CursorDeps, userId: string, conversationId: string): Promise<boolean> {
  const parsed = parseConversationId(conversationId);
  if (parsed?.type === "group" && (await call(calls, "group.memberCount", { groupId: parsed.groupId })) > MAX_READERS_GROUP)
    return false;
  const settings = await call(calls, "settings.of", { userIds: [userId] });
  return settings[userId]?.showReadReceipts ?? true;
}
