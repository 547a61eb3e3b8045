import type { ScheduledMessage } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import type { ServiceSchema } from "moleculer";
import { call } from "../../lib/service.ts";
import schedulerService from "../../services/scheduler/scheduler.service.ts";
import { clientMsgId, type Im } from "./im.ts";
import type { Person } from "./messages.ts";

/** The scheduler that looks this often for what is due; it looks only when it is told to unless a time is given. */
export const scheduler = (everyMs = 3_600_000): ServiceSchema => ({
  ...schedulerService,
  settings: { everyMs } as ServiceSchema["settings"],
});

/** Params of `scheduler.schedule` for a text in an hour. */
export function later(
  conversationId: string,
  words = "later",
  more: Partial<Params<"scheduler.schedule">> = {},
): Params<"scheduler.schedule"> {
  const sendAt = Date.now() + 3_600_000;
  return { conversationId, clientMsgId: clientMsgId(), type: "text", content: { text: words }, sendAt, ...more };
}

export const schedule = (im: Im, by: Person, params: Params<"scheduler.schedule">): Promise<ScheduledMessage> =>
  im.node.as(by.userId, "scheduler.schedule", params);

/** Makes a scheduled message due, as long ago as it says. */
export const comeDue = (im: Im, { scheduledId }: Pick<ScheduledMessage, "scheduledId">, agoMs = 0) =>
  im.sql.execute(
    "update scheduled_message set send_at = :at, due_at = :at where scheduled_id = :scheduledId and state = 'waiting'",
    {
      scheduledId,
      at: Date.now() - agoMs,
    },
  );

/** A look at much that is due takes longer than a request may: each message is written several times, one after the other. */
const RUN_TIMEOUT_MS = 60_000;

/** One look for what is due. @returns how much came to its end */
export const runDue = async (im: Im): Promise<number> =>
  (await call(im.broker, "scheduler.run", {}, { timeout: RUN_TIMEOUT_MS })).done;

/** What those that wait, are on their way or were refused stand at. */
export const listed = async (im: Im, by: Person): Promise<ScheduledMessage[]> =>
  (await im.node.as(by.userId, "scheduler.list", { limit: 100 })).items;

/** The state of one, whatever it is. */
export async function stateOf(im: Im, { scheduledId }: Pick<ScheduledMessage, "scheduledId">): Promise<string | undefined> {
  const [row] = await im.sql.select<{ state: string }>("select state from scheduled_message where scheduled_id = :scheduledId", {
    scheduledId,
  });
  return row?.state;
}
