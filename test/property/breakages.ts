import { sharedIds } from "../../mixins/ids/index.ts";
import type { AcceptOutcome, AcceptRequest } from "../../mixins/hot-store/port.ts";
import type { Row } from "../../mixins/database/port.ts";
import type { Invariant } from "../chaos/checkers/index.ts";
import type { Im } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import type { World } from "./world.ts";

/** Breaks the running product in one way; gives a function that repairs it. */
export interface Breakage {
  readonly invariant: Invariant;
  readonly what: string;
  apply(world: World): Promise<() => void> | (() => void);
  /** What has to happen for it to show, beside what always does. */
  also?(world: World): Promise<void>;
}

export type Deliveries = { room: string; event: string; payload: object }[];
type Accept = Im["hot"]["conversations"]["accept"];

/** Puts something else in the place of a method; gives a function that puts it back. */
export function replace<T extends object, K extends keyof T>(target: T, method: K, by: (original: T[K]) => T[K]): () => void {
  const original = target[method];
  target[method] = by((original as (...args: never[]) => unknown).bind(target) as T[K]);
  return () => void (target[method] = original);
}

const acceptOf = ({ im }: World, by: (original: Accept) => Accept): (() => void) => replace(im.hot.conversations, "accept", by);
const changeRequests = (world: World, change: (request: AcceptRequest) => AcceptRequest): (() => void) =>
  acceptOf(
    world,
    (accept) => (requests, now) =>
      accept(
        requests.map((one) => (one.bySystem ? one : change(one))),
        now,
      ),
  );

/** Changes the rows that a SELECT gives when its text and parameters fit. */
function changeRows(
  { im }: World,
  fits: (sql: string, params: Record<string, unknown>) => boolean,
  change: (rows: Row[]) => Row[],
): () => void {
  return replace(im.sql, "select", (select) => async <R extends object>(...[sql, params = {}, tx]: Parameters<typeof select>) => {
    const rows = await select<Row>(sql, params, tx);
    return (fits(sql, params) ? change(rows) : rows) as R[];
  });
}
/** Messages that a list reads of a conversation, at most; nobody here reads so short a page. */
const FEW = 2;
const isPage = (sql: string): boolean => sql.includes("message_hidden") && sql.includes("order by m.seq");

export const pretendStored = ({ im }: World, of: (text: unknown) => boolean): (() => void) =>
  replace(im.log, "append", (append) => async (records) => {
    await append(records.filter(({ content }) => !of(content["text"])));
    return records.map(() => ({ ok: true }));
  });

/** Holds every `message:new` back until a receipt has gone out. */
function receiptsFirst({ im }: World): () => void {
  const waiting: (() => void)[] = [];
  const release = (): void => waiting.splice(0).forEach((go) => go());
  const restore = intercept(im.broker, "socket.deliver", async (proceed, { deliveries }) => {
    const events = (deliveries as Deliveries).map(({ event }) => event);
    if (events.includes("message:new")) await new Promise<void>((resolve) => waiting.push(resolve));
    await proceed();
    if (events.some((event) => event.startsWith("receipt:"))) release();
    return null;
  });
  return () => {
    restore();
    release();
  };
}

/** Of messages, their order and what is seen of them; the others stand in `breakages-over-time.ts`. */
export const breakages: readonly Breakage[] = [
  {
    invariant: "I1",
    what: "the log acknowledges a message and forgets it",
    apply: (world) => pretendStored(world, (text) => text === "0 says 2"),
  },
  {
    invariant: "I2",
    what: "a message is stored with other words",
    apply: (world) => changeRequests(world, (request) => ({ ...request, content: { text: "never said" } })),
  },
  {
    invariant: "I3",
    what: "a repeated key is taken for a new one",
    apply(world) {
      let count = 0;
      return changeRequests(world, (request) => ({ ...request, clientMsgId: `${request.clientMsgId}-${++count}` }));
    },
  },
  {
    invariant: "I4",
    what: "a seq is given twice",
    apply: (world) =>
      acceptOf(world, (accept) => async (requests, now) => {
        const again = (outcome: AcceptOutcome): AcceptOutcome =>
          outcome.kind === "accepted" && outcome.record.type === "text"
            ? { kind: "duplicate", ...outcome.record, seq: 2, pending: null }
            : outcome;
        return (await accept(requests, now)).map(again);
      }),
  },
  {
    invariant: "I5",
    what: "a seq is left out in the database",
    apply: ({ im }) =>
      replace(
        im.sql,
        "bulkInsert",
        (bulkInsert) => (table, rows) =>
          bulkInsert(
            table,
            rows.filter(({ seq }) => seq !== 3),
          ),
      ),
  },
  {
    invariant: "I6",
    what: "messages that come together are accepted from the last to the first",
    apply: (world) =>
      acceptOf(world, (accept) => async (requests, now) => (await accept(requests.toReversed(), now)).toReversed()),
  },
  {
    invariant: "I7",
    what: "one user reads two messages in each other's place",
    apply: (world) =>
      changeRows(
        world,
        (sql, { userId }) => isPage(sql) && userId === world.people[1]!.userId,
        ([first, second, ...rest]) =>
          first && second
            ? [{ ...first, message_id: second["message_id"]! }, { ...second, message_id: first["message_id"]! }, ...rest]
            : [first, second, ...rest].filter((row) => row !== undefined),
      ),
  },
  {
    invariant: "I8",
    what: "a page begins one too late",
    apply: (world) => changeRows(world, isPage, (rows) => (rows.length > 1 ? rows.slice(1) : rows)),
  },
  {
    invariant: "I9",
    what: "a persisted message is pushed as accepted",
    apply: ({ im }) =>
      intercept(im.broker, "socket.deliver", async (proceed, params) => {
        await proceed(params);
        const late = (params.deliveries as Deliveries)
          .filter(({ event }) => event === "message:updated")
          .map((one) => ({ ...one, payload: { ...one.payload, status: "accepted" } }));
        return late.length > 0 ? proceed({ deliveries: late }) : null;
      }),
  },
  {
    invariant: "I10",
    what: "one unread message too many is counted",
    apply: (world) =>
      changeRows(
        world,
        (sql) => sql.includes("as mentioning"),
        (rows) => rows.map((row) => ({ ...row, count: Number(row["count"]) + 1 })),
      ),
  },
  {
    invariant: "I10",
    what: "a cursor is answered and not written",
    apply: ({ im }) =>
      replace(
        im.sql,
        "execute",
        (execute) => async (sql, params, tx) =>
          /update conversation_member set read_seq/.test(sql) ? 1 : execute(sql, params, tx),
      ),
  },
  {
    invariant: "I11",
    what: "the list looks for its last message behind the newest",
    apply: (world) =>
      changeRows(
        world,
        (sql, { limit0: limit }) => isPage(sql) && sql.includes("desc") && Number(limit) <= FEW,
        (rows) => [...Map.groupBy(rows, ({ part }) => part).values()].flatMap((of) => of.slice(1)),
      ),
  },
  { invariant: "I12", what: "receipts overtake messages", apply: receiptsFirst },
  {
    invariant: "I14",
    what: "who leaves a group stays in its room",
    apply: ({ im }) => intercept(im.broker, "socket.leave", async () => null),
  },
  {
    invariant: "I16",
    what: "an id is given twice",
    async apply({ im }) {
      const { ids } = await sharedIds.acquire(im.broker);
      const restore = replace(ids, "next", (next) => {
        const id = next();
        return () => id;
      });
      return () => {
        restore();
        void sharedIds.release(im.broker);
      };
    },
  },
];
