import type { Params, Result } from "../../contracts/index.ts";
import { backoffMs, type Backoff } from "../../lib/backoff.ts";
import { toWireError } from "../../lib/errors.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { DueRepository } from "./due-repository.ts";
import type { Term } from "../../mixins/hot-store/hold-lease.ts";
import type { Scheduled } from "./rows.ts";
import { messageOf } from "./schedule.ts";

export interface SendDueDeps {
  readonly repository: DueRepository;
  /** Sends in the name of a user. */
  send(userId: string, params: Params<"message.send">): Promise<Result<"message.send">>;
  /** Those of these users whose account is in use: the others send nothing. */
  activeAmong(userIds: readonly string[]): Promise<readonly string[]>;
  /** Adds the event that a message could not be sent. */
  addFailure(tx: Tx, scheduled: Scheduled, failure: string): Promise<void>;
  onSent(lateMs: number): void;
  onFailed(failure: string): void;
  readonly now: () => number;
  readonly backoff?: Backoff;
}

/** Messages of one portion. */
const PORTION = 200;
/** Authors whose messages are sent at once. */
const PARALLEL = 16;
/** So many tries that could not be answered end a run: the pipeline is away, and the next run asks again. */
const MAX_UNANSWERED = 16;
const BACKOFF: Backoff = { firstMs: 500, maxMs: 10_000 };
/** After so many tries an error that nobody knows is final. */
const MAX_UNEXPECTED = 20;
/**
 * A try whose outcome nobody knows may still become a message for this long. A refusal meanwhile is not final: else somebody could
 * be told that their message was refused, and find it sent.
 */
const UNKNOWN_MS = 120_000;

/**
 * Sends a portion of what is due, those of one author in one conversation in their order. Each is sent under its own client message
 * id, so that it appears once however often it is tried.
 * @returns whether there may be more, and whether it is worth going on
 */
export async function sendDue(deps: SendDueDeps, term: Term): Promise<{ done: number; isMore: boolean }> {
  const due = await deps.repository.due(deps.now(), PORTION);
  if (due.length === 0) return { done: 0, isMore: false };
  const active = new Set(await deps.activeAmong([...new Set(due.map(({ userId }) => userId))]));
  let done = 0;
  let unanswered = 0;
  const lanes = [...Map.groupBy(due, ({ userId, conversationId }) => `${userId} ${conversationId}`).values()];
  await mapConcurrently(lanes, PARALLEL, async (lane) => {
    for (const { scheduledId, userId, unknownAt: before } of lane) {
      if (unanswered >= MAX_UNANSWERED || !term.holds()) return;
      const taken = await deps.repository.take(scheduledId, term.token, deps.now());
      if (!taken) continue;
      const isAnswered = await sendOne(deps, term, { taken, before, isActive: active.has(userId) });
      if (isAnswered) done++;
      else {
        unanswered++;
        return; // what comes behind it waits for it
      }
    }
  });
  return { done, isMore: due.length === PORTION && unanswered < MAX_UNANSWERED };
}

interface One {
  readonly taken: Scheduled;
  /** When the last try before this one was made whose outcome nobody knows. */
  readonly before: number | null;
  readonly isActive: boolean;
}

/** @returns whether it has come to its end */
async function sendOne(deps: SendDueDeps, { token }: Term, one: One): Promise<boolean> {
  const { scheduledId, userId, sendAt } = one.taken;
  let failure: string;
  try {
    if (one.isActive) {
      const { messageId, seq, createdAt } = await deps.send(userId, messageOf(one.taken));
      if (await deps.repository.sent(scheduledId, token, { messageId, seq, createdAt, at: deps.now() }))
        deps.onSent(createdAt - sendAt);
      return true;
    }
    failure = "FORBIDDEN";
  } catch (error) {
    const { type, retryable } = toWireError(error);
    if (retryable || (type === "INTERNAL" && one.taken.tries < MAX_UNEXPECTED)) {
      await putOff(deps, token, one, one.taken.unknownAt);
      return false;
    }
    failure = type;
  }
  if (one.before !== null && deps.now() - one.before < UNKNOWN_MS) {
    await putOff(deps, token, one, one.before);
    return false;
  }
  const isWritten = await deps.repository.transaction(async (tx) => {
    if (!(await deps.repository.failed(scheduledId, token, { failure, at: deps.now() }, tx))) return false;
    await deps.addFailure(tx, one.taken, failure);
    return true;
  });
  if (isWritten) deps.onFailed(failure);
  return true;
}

function putOff(deps: SendDueDeps, token: number, { taken }: One, unknownAt: number | null): Promise<void> {
  const dueAt = deps.now() + backoffMs(Math.min(taken.tries, 20), deps.backoff ?? BACKOFF);
  return deps.repository.putOff(taken.scheduledId, token, { dueAt, unknownAt });
}
