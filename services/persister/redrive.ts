import type { Params, Result } from "../../contracts/index.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { imError } from "../../lib/errors.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { DeadLetter, DeadLetterPlace, MessageLog } from "../../mixins/message-log/port.ts";

export interface RedriveDeps {
  readonly log: Pick<MessageLog, "isAccepting" | "deadLetters" | "removeDeadLetters">;
  /** false: it is not to be accepted any more. */
  readmit(record: MessageRecord): Promise<boolean>;
  readonly logger: { warn(...args: unknown[]): void };
}
/** Letters on their way at one time; they share batches. */
const PARALLEL = 100;

/**
 * Has a page of dead letters accepted anew, oldest first. Those that are stored are dead letters no more; the others stay, and
 * the next page is behind them.
 * @throws SEND_FAILED while the log takes nothing
 */
export async function redrivePage(
  deps: RedriveDeps,
  { limit, cursor }: Params<"persister.redrive">,
): Promise<Result<"persister.redrive">> {
  const { log, logger } = deps;
  if (!log.isAccepting()) throw imError("SEND_FAILED");
  const letters = await log.deadLetters(limit, cursor === undefined ? undefined : placeOf(cursor));
  const isDriven = await mapConcurrently(letters, PARALLEL, ({ record }) =>
    deps.readmit(record).catch((error: unknown) => {
      logger.warn(`Message ${record.messageId} stays a dead letter`, error);
      return false;
    }),
  );
  const driven = letters.filter((_, i) => isDriven[i]).map(({ record }) => record.messageId);
  if (driven.length > 0) await log.removeDeadLetters(driven);
  const last = letters.at(-1);
  return { redriven: driven.length, ...(last && letters.length === limit && { nextCursor: cursorAt(last) }) };
}

const cursorAt = ({ at, record }: DeadLetter): string => `${at}.${record.messageId}`;

function placeOf(cursor: string): DeadLetterPlace {
  const [at, messageId] = cursor.split(".") as [string, string];
  return { at: Number(at), messageId };
}
