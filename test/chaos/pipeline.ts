import type { MessageRecord } from "../../contracts/records.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { HotStore } from "../../mixins/hot-store/port.ts";
import { PERSISTER_GROUP, type DeadLetter, type MessageLog } from "../../mixins/message-log/port.ts";
import type { StoredMessage } from "./final-state.ts";
import type { Sample } from "./outages.ts";

/** What the hot store knows of one message. */
export interface HotMessage extends Pick<
  MessageRecord,
  "messageId" | "conversationId" | "seq" | "senderId" | "clientMsgId" | "createdAt"
> {
  /** JSON. */
  readonly content: string;
  readonly isPersisted: boolean;
}

export interface HotContents {
  readonly messages: readonly HotMessage[];
  /** Of each conversation that is loaded. */
  readonly stableSeqs: ReadonlyMap<string, number>;
}

/** How the way of messages into the database stands when nothing is on it any more. */
export interface Pipeline {
  readonly pending: number;
  readonly lag: number;
  /** Of the conversations that were asked about. */
  readonly deadLetters: readonly { readonly clientMsgId: string; readonly reason: string }[];
  /** Null where nobody can look into the hot store from outside. */
  readonly hot: HotContents | null;
}

/** Where it can be read, at any time. */
export interface PipelineReader {
  sample(): Promise<Omit<Sample, "at">>;
  /** @param messages what the database has */
  read(messages: readonly StoredMessage[]): Promise<Pipeline>;
}

const MAX_DEAD_LETTERS = 1_000;
const ASKED_AT_ONCE = 50;

/** Reads through the ports, of this process or opened for it. */
export function readerOfPorts(
  { hot: { conversations }, log }: { readonly hot: HotStore; readonly log: MessageLog },
  memory: () => Promise<Sample["memoryBytes"]> = async () => ({}),
  now: () => number = Date.now,
): PipelineReader {
  return {
    async sample() {
      // A process that does not answer is waited for, during which nothing gets older here.
      const pendingNow = async () => {
        const { count, oldestAt } = await conversations.pendingStats();
        return { pending: count, oldestAgeMs: oldestAt === null ? null : now() - oldestAt };
      };
      const [pending, memoryBytes] = await Promise.all([pendingNow(), memory()]);
      return { ...pending, memoryBytes };
    },
    async read(messages) {
      const ids = [...new Set(messages.map(({ conversationId }) => conversationId))];
      const [{ count }, lag, letters, stableSeqs] = await Promise.all([
        conversations.pendingStats(),
        log.lag(PERSISTER_GROUP),
        log.deadLetters(MAX_DEAD_LETTERS),
        conversations.stableSeqs(ids),
      ]);
      const found: HotMessage[] = [];
      for (let at = 0; at < messages.length; at += ASKED_AT_ONCE) {
        const page = messages.slice(at, at + ASKED_AT_ONCE);
        const answers = await Promise.all(page.map(({ messageId }) => conversations.find(messageId)));
        for (const answer of answers)
          if (answer) found.push({ ...toHotMessage(answer.record), isPersisted: answer.persistStatus === "PERSISTED" });
      }
      return { pending: count, lag, deadLetters: deadAmong(letters, ids), hot: { messages: found, stableSeqs } };
    },
  };
}

/** Reads what a process tells of itself, and its database. @param metricsUrl where its metrics are */
export function readerOfMetrics(metricsUrl: string, name: string, sql: () => Promise<Database>): PipelineReader {
  return {
    async sample() {
      const value = await readMetrics(metricsUrl);
      const pending = value("im_pending_messages");
      return {
        pending,
        oldestAgeMs: pending === 0 ? null : value("im_pending_oldest_age_seconds") * 1_000,
        memoryBytes: { [name]: value("process_resident_memory_bytes") },
      };
    },
    async read(messages) {
      const value = await readMetrics(metricsUrl);
      const rows = await (await sql()).select<{ record: string; reason: string }>("select record, reason from dead_letter");
      const letters = rows.map(({ record, reason }) => ({ record: JSON.parse(record) as MessageRecord, reason }));
      return {
        pending: value("im_pending_messages"),
        lag: value("im_log_lag"),
        deadLetters: deadAmong(
          letters,
          messages.map(({ conversationId }) => conversationId),
        ),
        hot: null,
      };
    },
  };
}

/** Resident memory of processes by their metrics; those that do not answer are left out. */
export async function readMemory(metricsUrls: Readonly<Record<string, string>>): Promise<Sample["memoryBytes"]> {
  const read = Object.entries(metricsUrls).map(async ([name, url]) => {
    const value = await readMetrics(url).catch(() => null);
    return value ? [[name, value("process_resident_memory_bytes")] as const] : [];
  });
  return Object.fromEntries((await Promise.all(read)).flat());
}

const METRICS_TIMEOUT_MS = 2_000;

/** @throws when they cannot be had in time; the function throws when there is no such metric */
async function readMetrics(url: string): Promise<(name: string) => number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) });
  const text = await response.text();
  return (name) => {
    const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1];
    if (value === undefined) throw new Error(`${url} has no ${name}`);
    return Number(value);
  };
}

function deadAmong(
  letters: readonly Pick<DeadLetter, "record" | "reason">[],
  conversationIds: readonly string[],
): Pipeline["deadLetters"] {
  return letters
    .filter(({ record }) => conversationIds.includes(record.conversationId))
    .map(({ record, reason }) => ({ clientMsgId: record.clientMsgId, reason }));
}

function toHotMessage({ messageId, conversationId, seq, senderId, clientMsgId, createdAt, content }: MessageRecord) {
  return { messageId, conversationId, seq, senderId, clientMsgId, createdAt, content: JSON.stringify(content) };
}
