/**
 * Messages that burn after reading, as rows of `burn_timer`: from the moment they are stored until they burn or are recalled. The
 * persister makes a row in the transaction that makes the message's; the transaction that moves its reader's cursor past it
 * starts its timer; the scheduler asks what is due. So nothing has to be heard of, and a message that does not burn has no part
 * in it.
 */
import type { Database } from "../database/port.ts";
import { columns, selectAt, timerOf, type BurnTimer, type TimerRow } from "./rows.ts";

export { DueTimers } from "./due-timers.ts";
export { burns, placeBurnTimers } from "./place.ts";
export type { BurnTimer, TimerPlace } from "./rows.ts";
export { startBurnTimers } from "./start.ts";

export type BurnTime = Omit<BurnTimer, "messageId">;

/** When each of these messages burns; those that wait for their reader are missing. */
export async function burnTimesAt(
  sql: Pick<Database, "dialect" | "select">,
  places: readonly (readonly [conversationId: string, seq: number])[],
): Promise<BurnTime[]> {
  const select = `select ${columns} from burn_timer where burns_at is not null`;
  const at = places.map(([conversationId, seq]) => ({ conversationId, seq }));
  return (await selectAt<TimerRow>(sql, select, at)).map(timerOf);
}
