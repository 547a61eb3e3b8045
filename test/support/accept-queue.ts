import type { MessageRecord } from "../../contracts/records.ts";
import { memoryConversations } from "../../mixins/hot-store/conversations-memory.ts";
import type { AcceptRequest, HotConversations, HotMember, KnownMessage } from "../../mixins/hot-store/port.ts";
import type { AppendOutcome } from "../../mixins/message-log/port.ts";
import { AcceptQueue, type Sent } from "../../services/message/accept-queue.ts";
import { buildRecord, newId } from "./records.ts";

/** The queue that gives messages their seqs, on a hot store in memory and a log that does what the test says. */

type Logged = { record: MessageRecord; connectionId: string | undefined };

/** A log that answers an append when the test says so; by default at once, with yes. */
class ScriptedLog {
  accepting = true;
  readonly appends: MessageRecord[][] = [];
  answer: (records: readonly MessageRecord[]) => Promise<AppendOutcome[]> = async (records) => records.map(() => ({ ok: true }));
  late: (records: readonly MessageRecord[]) => void = () => undefined;

  isAccepting(): boolean {
    return this.accepting;
  }
  append(records: readonly MessageRecord[]): Promise<AppendOutcome[]> {
    this.appends.push([...records]);
    return this.answer(records);
  }
  onLate(listener: (records: readonly MessageRecord[]) => void): void {
    this.late = listener;
  }
}

export interface World {
  readonly queue: AcceptQueue;
  readonly hot: HotConversations;
  readonly log: ScriptedLog;
  /** What was announced, in order. */
  readonly announced: Logged[];
  readonly warmed: string[];
  /** What SQL knows, by client message id. */
  readonly sql: Map<string, KnownMessage>;
  /** The client message ids that SQL was asked for, a list for each question. */
  readonly lookedUp: string[][];
}

const member: HotMember = { role: "member", mutedUntil: null, refusal: null };

/** @param knowsKeys whether the hot store is asked before SQL */
export function createWorld(
  warm?: (conversationId: string, load: () => Promise<boolean>) => Promise<boolean>,
  knowsKeys = false,
  gatherMs = 0,
): World {
  const hot = { ...memoryConversations(), knowsKeys, gatherMs };
  const log = new ScriptedLog();
  const announced: Logged[] = [];
  const warmed: string[] = [];
  const sql = new Map<string, KnownMessage>();
  const lookedUp: string[][] = [];
  const load = async (conversationId: string): Promise<boolean> => {
    const snapshot = { conversationId, headSeq: 0, allMuted: false, dissolved: false, members: { 7: member } };
    return hot.load(snapshot, await hot.generation(conversationId));
  };
  const queue = new AcceptQueue({
    conversations: hot,
    log: log as never,
    lookUp: async (requests) => {
      lookedUp.push(requests.map(({ clientMsgId }) => clientMsgId));
      return requests.map(({ clientMsgId }) => sql.get(clientMsgId) ?? null);
    },
    warm: async (conversationId) => {
      warmed.push(conversationId);
      return warm ? warm(conversationId, () => load(conversationId)) : load(conversationId);
    },
    onLogged: (records) => void announced.push(...records),
    metrics: { increment: () => undefined, observe: () => undefined } as never,
    now: () => 1_000,
    pace: null,
  });
  return { queue, hot, log, announced, warmed, sql, lookedUp };
}

/** A message of user 7 that asks for its place. */
export function request(conversationId: string, more: Partial<AcceptRequest> = {}): AcceptRequest {
  const { seq: _seq, createdAt: _createdAt, ...fields } = buildRecord({ conversationId });
  return { ...fields, bySystem: false, inSql: "unasked", ...more };
}

export const newConversation = (): string => `g_${newId()}`;
export const submit = ({ queue }: World, one: AcceptRequest, connectionId?: string): Promise<Sent> =>
  queue.submit(one.conversationId, one, connectionId);
/** The `type` of the error that work ends with; "" when it succeeds. */
export const typeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "",
    (error: unknown) => String((error as { type?: unknown }).type),
  );
