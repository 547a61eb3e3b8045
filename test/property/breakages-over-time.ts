import type { HotSession } from "../../mixins/hot-store/port.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { readerOfPorts } from "../chaos/pipeline.ts";
import { intercept } from "../support/intercept.ts";
import { pretendStored, replace, type Breakage } from "./breakages.ts";
import type { World } from "./world.ts";

/** Longer than anything may take. */
const TOO_LONG_MS = 11_000;

/** Something is away while one message is sent. */
async function sendDuringFault({ history, people, conversations }: World): Promise<void> {
  const fault = history.fault("something is away", { stopsSending: true, stopsPersisting: true });
  await people[0]!.devices[0].send(conversations.at(-1)!.conversationId, "k10", "0 says 10");
  fault.repaired();
}

/** Stored messages stay pending, until it is repaired. */
function forgetToMark({ im }: World): () => void {
  const stored: MessageRecord[] = [];
  const restore = replace(im.hot.conversations, "persisted", () => async (records) => void stored.push(...records));
  return () => {
    restore();
    void im.hot.conversations.persisted(stored);
  };
}

/** Stored messages are known for a while, as Redis does, each by the seq of the next. */
function mistakeMessages({ im }: World): () => void {
  const known = new Map<string, MessageRecord>();
  const endings = [
    replace(im.hot.conversations, "persisted", (persisted) => async (records) => {
      for (const record of records) known.set(record.messageId, { ...record, seq: record.seq + 1 });
      await persisted(records);
    }),
    replace(im.hot.conversations, "find", (find) => async (messageId) => {
      const record = known.get(messageId);
      return record ? { record, persistStatus: "PERSISTED", loggedAt: null } : find(messageId);
    }),
  ];
  return () => endings.forEach((end) => end());
}

/** What is wrong only later: with what comes again, takes too long, or should be over. */
export const breakagesOverTime: readonly Breakage[] = [
  { invariant: "I13", what: "stored messages are not marked as such", apply: forgetToMark },
  {
    invariant: "I13",
    what: "the hot store takes messages for others",
    apply: mistakeMessages,
  },
  {
    invariant: "I14",
    what: "who has left reads on",
    apply: ({ im }) =>
      intercept(im.broker, "conversation.access", async (proceed) => ({ ...((await proceed()) as object), maxSeq: null })),
  },
  {
    invariant: "I15",
    what: "the original comes again over its recall",
    apply: ({ im }) =>
      replace(im.sql, "execute", (execute) => async (sql, params = {}, tx) => {
        const changed = await execute(sql, params, tx);
        if (/^update message set content = '\{\}'/.test(sql.trim()))
          await execute(
            "update message set content = :content, recalled_at = null where conversation_id = :conversationId and seq = :seq",
            { content: '{"text":"0 says 8"}', conversationId: params["conversationId"]!, seq: params["seq"]! },
            tx,
          );
        return changed;
      }),
  },
  {
    invariant: "I17",
    what: "a message is acknowledged before it is stored",
    apply: (world) => pretendStored(world, (text) => text === "0 says 10"),
    also: sendDuringFault,
  },
  {
    invariant: "I18",
    what: "an error comes late",
    apply: ({ im, history }) =>
      intercept(im.broker, "message.recall", async () => {
        history.pass(TOO_LONG_MS);
        throw new Error("late, says the test");
      }),
  },
  {
    invariant: "I18",
    what: "messages stay pending",
    apply: forgetToMark,
    async also({ im, history }) {
      history.pass(TOO_LONG_MS);
      history.sample(await readerOfPorts(im, undefined, () => history.now().wallMs).sample());
    },
  },
  {
    invariant: "I19",
    what: "messages are stored long after everything is back",
    apply: ({ im }) =>
      replace(im.sql, "bulkInsert", (bulkInsert) => (table, rows, ...rest) => {
        const late = rows.map((row) => ({ ...row, persisted_at: Number(row["persisted_at"]) + 60_000 }));
        return bulkInsert(table, table === "message" ? late : rows, ...rest);
      }),
    also: sendDuringFault,
  },
  {
    invariant: "I20",
    what: "a session goes on after its end",
    apply({ im }) {
      const known = new Map<string, HotSession>();
      return replace(im.hot.sessions, "get", (get) => async (sessionId) => {
        const session = await get(sessionId);
        if (session !== null && session !== "ended") known.set(sessionId, session);
        return session === "ended" ? (known.get(sessionId) ?? session) : session;
      });
    },
  },
  {
    invariant: "I21",
    what: "more is called stable than is there",
    apply: ({ im }) =>
      replace(im.hot.conversations, "stableSeqs", (stableSeqs) => async (ids) => {
        const stable = await stableSeqs(ids);
        return new Map([...stable].map(([conversationId, seq]) => [conversationId, seq + 1]));
      }),
  },
];
