import type { Conversation, HistoryItem, SendResult } from "../../contracts/entities.ts";
import { livedMs } from "./lived-time.ts";
import type { Fault, FaultEffects, Sample } from "./outages.ts";

/** A time-out, a lost connection or "could not be stored now" leaves open whether it happened: unknown, never failed. */
export type Outcome = "running" | "ok" | "failed" | "unknown";

/** When something happened. */
export interface Moment {
  /** Counts everything that one history holds. */
  readonly order: number;
  /** The clock on the wall, which servers share. */
  readonly wallMs: number;
  /** For spans: see `livedMs`. */
  readonly monotonicMs: number;
}

interface Deeds {
  send: { readonly clientMsgId: string; readonly text: string };
  edit: { readonly messageId: string; readonly text: string };
  recall: { readonly messageId: string };
  delete: { readonly messageId: string; readonly seq: number };
  clear: object;
  read: { readonly seq: number };
  delivered: { readonly seq: number };
  /** A way through the whole history, page by page, while others write. */
  walk: object;
  /** The conversation list; it belongs to no conversation. */
  list: object;
  /** Any other call of a signed-in user. */
  request: { readonly what: string };
  connect: object;
  /** Ends the sessions of these devices of one's own. */
  endSession: { readonly devices: readonly string[] };
  /** Takes somebody out of a group. */
  remove: { readonly whom: string };
  /** Deletes one's own account. */
  erase: object;
  block: { readonly whom: string };
  unblock: { readonly whom: string };
}
export interface Answers {
  send: Pick<SendResult, "messageId" | "seq" | "createdAt">;
  edit: null;
  recall: null;
  delete: null;
  clear: null;
  read: { readonly seq: number };
  delivered: { readonly seq: number };
  walk: Walk;
  list: readonly Listed[];
  request: null;
  connect: null;
  endSession: null;
  remove: null;
  erase: null;
  block: null;
  unblock: null;
}
export type Kind = keyof Deeds;

/** What a conversation list says of one conversation. */
export type Listed = Pick<Conversation, "conversationId" | "maxSeq" | "readSeq" | "unread" | "lastMessage">;

/** Pages in the order in which they were read. */
export interface Walk {
  readonly direction: "up" | "down";
  readonly pages: readonly { readonly items: readonly HistoryItem[]; readonly minSeq: number; readonly maxSeq: number }[];
}

type DeedOf<K extends Kind> = Deeds[K] & {
  readonly kind: K;
  readonly userId: string;
  /** `<device>#<number>`; of one connection there is one after the other. */
  readonly connection: string;
  /** Where it was asked, when there are several places. */
  readonly gateway?: string;
  readonly conversationId: string;
};
/** What somebody is about to do. */
export type Deed = { [K in Kind]: DeedOf<K> }[Kind];
export type OperationOf<K extends Kind> = DeedOf<K> & {
  readonly invoked: Moment;
  ended: Moment | null;
  outcome: Outcome;
  /** Of the answer; null: there was none. */
  code: number | null;
  answer: Answers[K] | null;
};
export type Operation = { [K in Kind]: OperationOf<K> }[Kind];

/** Where a history has its time from, in milliseconds. */
export interface Clock {
  wallMs(): number;
  monotonicMs(): number;
}
const realClock: Clock = { wallMs: () => Date.now(), monotonicMs: livedMs };

/** Something the server pushed to a connection. */
export interface Observation {
  readonly userId: string;
  readonly connection: string;
  readonly at: Moment;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export const deviceOf = ({ connection }: { readonly connection: string }): string => connection.split("#")[0]!;

/** Codes that say that it may have happened nevertheless: not stored now, a fault of the server, a service that is away. */
const OPEN_CODES = [3001, 9000, 9006];

/** What the answer of an operation says: `code` is null when there was none. */
export interface Reply<T> {
  readonly code: number | null;
  readonly data?: T | undefined;
  /** When it came; otherwise when it was noticed. */
  readonly at?: Moment;
}

/** Everything that clients did and saw, in its order, and what was broken meanwhile. */
export class History {
  readonly operations: Operation[] = [];
  readonly observations: Observation[] = [];
  readonly faults: Fault[] = [];
  readonly samples: Sample[] = [];
  /** Client message ids of what the database was made to refuse, for good. */
  readonly poison = new Set<string>();
  /** From the acceptance of a message that is stuck to its next try, at most. */
  readonly compensatorPeriodMs: number;
  readonly #clock: Clock;
  #order = 0;
  #passedMs = 0;

  constructor({ compensatorPeriodMs = 7_000, clock = realClock } = {}) {
    this.compensatorPeriodMs = compensatorPeriodMs;
    this.#clock = clock;
  }

  now(): Moment {
    const [wallMs, monotonicMs] = [this.#clock.wallMs() + this.#passedMs, this.#clock.monotonicMs() + this.#passedMs];
    return { order: ++this.#order, wallMs, monotonicMs };
  }

  /** Lets time pass in the history alone, so that nobody has to wait for what is late. */
  pass(ms: number): void {
    this.#passedMs += ms;
  }

  of<K extends Kind>(...kinds: K[]): OperationOf<K>[] {
    return this.operations.filter(({ kind }) => (kinds as string[]).includes(kind)) as unknown as OperationOf<K>[];
  }

  observe(seen: Omit<Observation, "at">): void {
    this.observations.push({ ...seen, at: this.now() });
  }

  /**
   * Something is broken from now on.
   * @returns `end`: from now on it is not certain any more that it is; `repaired`: it answers again, or was started; `back`: what was
   * started takes part. Without `end` and `back` all are one
   */
  fault(name: string, effects: Partial<FaultEffects> = {}): { end(): void; repaired(): void; back(): void } {
    const none: FaultEffects = { stopsSending: false, stopsPersisting: false, silences: [] };
    const fault: Fault = { ...none, ...effects, name, from: this.now(), until: null, repaired: null, back: null };
    this.faults.push(fault);
    const end = (): void => void (fault.until ??= this.now());
    return {
      end,
      repaired: () => {
        end();
        fault.repaired ??= this.now();
      },
      back: () => void (fault.back ??= this.now()),
    };
  }

  sample(seen: Omit<Sample, "at">): void {
    this.samples.push({ ...seen, at: this.now() });
  }

  /** Records an operation around `work`, which must not reject for answers and lost connections. */
  async record<T>(deed: Deed, work: () => Promise<Reply<T>>, answerOf: (data: T) => Answers[Kind]): Promise<Reply<T>> {
    const running = { invoked: this.now(), ended: null, outcome: "running", code: null, answer: null };
    const operation = { ...deed, ...running } as Operation;
    this.operations.push(operation);
    const reply = await work();
    operation.ended = reply.at ?? this.now();
    operation.code = reply.code;
    operation.outcome = outcomeOf(reply.code);
    if (operation.outcome === "ok") operation.answer = answerOf(reply.data as T);
    return reply;
  }
}

function outcomeOf(code: number | null): Outcome {
  if (code === 0) return "ok";
  return code === null || OPEN_CODES.includes(code) ? "unknown" : "failed";
}
