import { imError } from "../../lib/errors.ts";
import type { Pace } from "../../mixins/hot-store/pace.ts";
import type { AcceptOutcome, AcceptRequest, KnownMessage } from "../../mixins/hot-store/port.ts";
import { Logging, type LoggingDeps, type Sender, type Sent, type ToLog } from "./logging.ts";

export type { Sent } from "./logging.ts";

export interface AcceptQueueDeps extends LoggingDeps {
  /** What SQL knows of the client message ids of these requests, one answer for each. */
  lookUp(requests: readonly AcceptRequest[]): Promise<(KnownMessage | null)[]>;
  /** Loads a conversation into the hot store; false when there is none. */
  warm(conversationId: string): Promise<boolean>;
  readonly metrics: {
    increment(name: "im_messages_accepted_total" | "im_messages_duplicate_total" | "im_messages_logged_total", by?: number): void;
    observe(name: "im_accept_batch_size", value: number): void;
  };
  readonly now: () => number;
  /** Of each conversation; null: messages may come as fast as they will. */
  readonly pace: Pace | null;
}

interface Waiting extends Sender {
  request: AcceptRequest | null;
}
/** The messages of one conversation that wait to be accepted, in their order. */
interface Lane {
  readonly conversationId: string;
  readonly queue: Waiting[];
  /** Someone is at work on the head of the queue. */
  busy: boolean;
}
interface Taken {
  readonly lane: Lane;
  readonly waiting: Waiting;
  readonly request: AcceptRequest;
}
/** Loads of one conversation in a row that may be overtaken by changes of its members. */
const MAX_ROUNDS = 10;

/**
 * The way of a message from "checked" to "in the log". Messages of one conversation keep the order in which they were
 * submitted; those that arrive in one turn of the event loop, or within the hot store's `gatherMs`, share one round trip to it and
 * one write to the log.
 * A conversation that must be loaded first holds up no other.
 */
export class AcceptQueue {
  readonly #deps: AcceptQueueDeps;
  readonly #lanes = new Map<string, Lane>();
  readonly #logging: Logging;
  #ready = new Set<Lane>();
  #scheduled = false;
  #open = 0;
  #idle: (() => void)[] = [];

  constructor(deps: AcceptQueueDeps) {
    this.#deps = deps;
    this.#logging = new Logging(deps);
  }

  /**
   * Takes a place in the conversation's order at once; a request that is still being made (`Promise`) keeps its place.
   * Resolves when the message is in the log.
   * @throws the request's own error; MUTED, CANNOT_MESSAGE, BLOCKED_BY_YOU, GROUP_NOT_FOUND, CONVERSATION_NOT_FOUND,
   * IDEMPOTENCY_CONFLICT, RATE_LIMITED, SEND_FAILED
   */
  submit(conversationId: string, request: AcceptRequest | Promise<AcceptRequest>, connectionId?: string): Promise<Sent> {
    const { promise, resolve, reject } = Promise.withResolvers<Sent>();
    const lane = this.#laneOf(conversationId);
    const waiting: Waiting = { request: request instanceof Promise ? null : request, connectionId, resolve, reject };
    lane.queue.push(waiting);
    this.#open++;
    if (request instanceof Promise) this.#await(lane, waiting, request);
    this.#wake(lane);
    return promise.finally(() => this.#close());
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #close(): void {
    if (--this.#open > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #laneOf(conversationId: string): Lane {
    let lane = this.#lanes.get(conversationId);
    if (!lane) this.#lanes.set(conversationId, (lane = { conversationId, queue: [], busy: false }));
    return lane;
  }

  #await(lane: Lane, waiting: Waiting, request: Promise<AcceptRequest>): void {
    request.then(
      (made) => {
        waiting.request = made;
        this.#wake(lane);
      },
      (error: unknown) => {
        lane.queue.splice(lane.queue.indexOf(waiting), 1);
        waiting.reject(error);
        this.#wake(lane);
      },
    );
  }

  #wake(lane: Lane): void {
    if (lane.busy) return;
    if (lane.queue.length === 0) {
      this.#lanes.delete(lane.conversationId);
      this.#ready.delete(lane);
      return;
    }
    if (!lane.queue[0]!.request) return;
    this.#ready.add(lane);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const flush = (): void => {
      this.#scheduled = false;
      void this.#flush();
    };
    const { gatherMs } = this.#deps.conversations;
    if (gatherMs > 0) setTimeout(flush, gatherMs);
    else setImmediate(flush);
  }

  async #flush(): Promise<void> {
    const lanes = [...this.#ready];
    this.#ready = new Set();
    const taken = lanes.flatMap((lane) => this.#take(lane));
    let cold: readonly Taken[] = [];
    try {
      if (!this.#deps.log.isAccepting()) throw imError("SEND_FAILED");
      cold = await this.#accept(taken);
    } catch (error) {
      for (const { waiting } of taken) waiting.reject(error);
    }
    const byLane = Map.groupBy(cold, ({ lane }) => lane);
    for (const lane of lanes) if (!byLane.has(lane)) this.#free(lane);
    for (const [lane, waiting] of byLane) void this.#warm(lane, waiting);
  }

  #free(lane: Lane): void {
    lane.busy = false;
    this.#wake(lane);
  }

  /** The head of the lane, as far as its requests are made. */
  #take(lane: Lane): Taken[] {
    lane.busy = true;
    const unmade = lane.queue.findIndex(({ request }) => request === null);
    const head = lane.queue.splice(0, unmade === -1 ? lane.queue.length : unmade);
    return head.map((waiting) => ({ lane, waiting, request: waiting.request! }));
  }

  /**
   * Asks the hot store, and SQL where that cannot tell by itself whether a client message id was used.
   * @returns what could not be decided, since its conversation is not loaded
   */
  async #accept(taken: readonly Taken[]): Promise<Taken[]> {
    if (!this.#deps.conversations.knowsKeys) {
      const { cold, unknown } = await this.#decide(taken, await this.#askSql(taken));
      return [...cold, ...unknown];
    }
    const { cold, unknown } = await this.#decide(
      taken,
      taken.map(() => "unasked"),
    );
    if (unknown.length === 0) return cold;
    try {
      const again = await this.#decide(unknown, await this.#askSql(unknown));
      return [...cold, ...again.cold, ...again.unknown];
    } catch (error) {
      for (const { waiting } of unknown) waiting.reject(error);
      return cold;
    }
  }

  async #askSql(taken: readonly Taken[]): Promise<AcceptRequest["inSql"][]> {
    const known = await this.#deps.lookUp(taken.map(({ request }) => request));
    return taken.map((_, i) => known[i] ?? "absent");
  }

  async #decide(taken: readonly Taken[], inSql: readonly AcceptRequest["inSql"][]): Promise<{ cold: Taken[]; unknown: Taken[] }> {
    const requests = taken.map(({ request }, i) => (request.inSql === inSql[i] ? request : { ...request, inSql: inSql[i]! }));
    const outcomes = await this.#deps.conversations.accept(requests, this.#deps.now(), this.#deps.pace);
    const cold: Taken[] = [];
    const unknown: Taken[] = [];
    const toLog: ToLog[] = [];
    outcomes.forEach((outcome, i) => {
      const one = taken[i]!;
      if (outcome.kind === "cold") cold.push(one);
      else if (outcome.kind === "unknown_key") unknown.push(one);
      else if (outcome.kind === "accepted") toLog.push(this.#logging.begin(outcome.record, one.waiting));
      else if (outcome.kind === "duplicate" && outcome.pending) {
        const again = this.#logging.beginAgain(outcome.pending, one.waiting);
        if (again) toLog.push(again);
      } else this.#answer(one, outcome);
    });
    this.#count(outcomes);
    if (toLog.length > 0) void this.#logging.log(toLog);
    return { cold, unknown };
  }

  #count(outcomes: readonly AcceptOutcome[]): void {
    let accepted = 0;
    let duplicates = 0;
    for (const { kind } of outcomes) {
      if (kind === "accepted") accepted++;
      else if (kind === "duplicate") duplicates++;
    }
    this.#deps.metrics.observe("im_accept_batch_size", outcomes.length);
    if (accepted > 0) this.#deps.metrics.increment("im_messages_accepted_total", accepted);
    if (duplicates > 0) this.#deps.metrics.increment("im_messages_duplicate_total", duplicates);
  }

  #answer({ waiting, request }: Taken, outcome: AcceptOutcome): void {
    if (outcome.kind === "duplicate") {
      const { messageId, seq, createdAt } = outcome;
      waiting.resolve({ messageId, seq, createdAt, repeated: true });
    } else if (outcome.kind === "conflict") waiting.reject(imError("IDEMPOTENCY_CONFLICT"));
    else if (outcome.kind === "throttled") waiting.reject(imError("RATE_LIMITED", { retryAfterMs: outcome.retryAfterMs }));
    else if (outcome.kind === "refused") waiting.reject(refusal(request.conversationId, outcome.reason));
  }

  /** Loads a conversation and asks again for what waits for it; its lane is free when all of that is decided. */
  async #warm(lane: Lane, taken: readonly Taken[]): Promise<void> {
    let cold = taken;
    try {
      for (let round = 0; cold.length > 0; round++) {
        if (round >= MAX_ROUNDS) throw imError("SEND_FAILED");
        if (!(await this.#deps.warm(lane.conversationId))) throw refusal(lane.conversationId, "NOT_A_MEMBER");
        cold = await this.#accept(cold);
      }
    } catch (error) {
      for (const { waiting } of cold) waiting.reject(error);
    }
    this.#free(lane);
  }
}

function refusal(conversationId: string, reason: (AcceptOutcome & { kind: "refused" })["reason"]): Error {
  if (reason !== "NOT_A_MEMBER") return imError(reason);
  return imError(conversationId.startsWith("g_") ? "GROUP_NOT_FOUND" : "CONVERSATION_NOT_FOUND");
}
