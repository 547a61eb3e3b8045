import type { Content, ScheduledMessage } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { MAX_SCHEDULE_AHEAD_MS, MAX_SCHEDULED_MESSAGES, MIN_SCHEDULE_AHEAD_MS } from "../../contracts/limits.ts";
import type { Language } from "../../contracts/meta.ts";
import { imError } from "../../lib/errors.ts";
import { shortHash } from "../../lib/short-hash.ts";
import { invalidField } from "../../lib/validation.ts";
import type { SchedulerDeps } from "./deps.ts";
import type { Scheduled } from "./rows.ts";
import { viewScheduled } from "./view.ts";

export interface Author {
  readonly userId: string;
  readonly language?: Language | undefined;
}

/**
 * Keeps a message until its time. It is checked as a send would be; the same request gives what became of the first one.
 * @throws VALIDATION, TOO_MANY_SCHEDULED, IDEMPOTENCY_CONFLICT, SESSION_ENDED, and what sending it now would throw
 */
export async function scheduleMessage(
  deps: SchedulerDeps,
  author: Author,
  params: Params<"scheduler.schedule">,
): Promise<{ scheduled: ScheduledMessage; repeated: boolean }> {
  const { userId } = author;
  const { sendAt, ...message } = params;
  const requestHash = shortHash(params);
  const known = await deps.repository.byKey({ userId, ...message });
  if (known) return { scheduled: sameAs(known, requestHash, author), repeated: true };
  checkTime(deps, sendAt);
  await deps.checkSend(message);
  const { conversationId, clientMsgId, type, content, replyTo = null, mentions = null } = message;
  const scheduledId = deps.ids.next();
  const createdAt = deps.now();
  const isAdded = await deps.repository.transaction(async (tx) => {
    await deps.repository.takeTurn(userId, tx);
    if (await deps.isErased(userId, tx)) throw imError("SESSION_ENDED");
    if ((await deps.repository.countOpen(userId, tx)) >= MAX_SCHEDULED_MESSAGES)
      throw imError("TOO_MANY_SCHEDULED", { max: MAX_SCHEDULED_MESSAGES });
    const of = { scheduledId, userId, conversationId, clientMsgId, requestHash };
    return deps.repository.add({ ...of, type, content, replyTo, mentions, sendAt, createdAt }, tx);
  });
  const kept = isAdded ? await ownScheduled(deps, userId, scheduledId) : await deps.repository.byKey({ userId, ...message });
  if (!kept) throw imError("SESSION_ENDED"); // all of the account's is gone
  return { scheduled: sameAs(kept, requestHash, author), repeated: !isAdded };
}

/** @throws IDEMPOTENCY_CONFLICT */
function sameAs(known: Scheduled, requestHash: string, { language }: Author): ScheduledMessage {
  if (known.requestHash !== requestHash) throw imError("IDEMPOTENCY_CONFLICT");
  return viewScheduled(known, language);
}

/**
 * Changes what a message that waits says, or when it goes.
 * @throws VALIDATION, SCHEDULED_NOT_FOUND, SCHEDULED_CLOSED, and what sending it now would throw
 */
export async function changeScheduled(
  deps: SchedulerDeps,
  { userId, language }: Author,
  { scheduledId, content, sendAt }: Params<"scheduler.change">,
): Promise<ScheduledMessage> {
  const scheduled = await ownScheduled(deps, userId, scheduledId);
  if (content === undefined && sendAt === undefined) throw invalidField("content", "give content, sendAt or both");
  if (scheduled.state !== "waiting") throw imError("SCHEDULED_CLOSED");
  if (sendAt !== undefined) checkTime(deps, sendAt);
  await deps.checkSend(messageOf(scheduled, content));
  const change = { ...(content !== undefined && { content }), ...(sendAt !== undefined && { sendAt }) };
  if (!(await deps.repository.change(scheduledId, change))) throw imError("SCHEDULED_CLOSED");
  return viewScheduled(await ownScheduled(deps, userId, scheduledId), language);
}

/**
 * Cancels a message that waits; puts one away that could not be sent. Repeating it changes nothing.
 * @throws SCHEDULED_NOT_FOUND, SCHEDULED_CLOSED when its time had come first
 */
export async function cancelScheduled(deps: SchedulerDeps, userId: string, scheduledId: string): Promise<void> {
  await ownScheduled(deps, userId, scheduledId);
  if (await deps.repository.cancel(scheduledId, deps.now())) return;
  if ((await ownScheduled(deps, userId, scheduledId)).state !== "cancelled") throw imError("SCHEDULED_CLOSED");
}

async function ownScheduled({ repository }: SchedulerDeps, userId: string, scheduledId: string): Promise<Scheduled> {
  const scheduled = await repository.find(userId, scheduledId);
  if (!scheduled) throw imError("SCHEDULED_NOT_FOUND");
  return scheduled;
}

/** What `message.send` takes for it. */
export function messageOf(
  { conversationId, clientMsgId, type, content, replyTo, mentions }: Scheduled,
  otherContent?: Content,
): Params<"message.send"> {
  return {
    ...{ conversationId, clientMsgId, type, content: otherContent ?? content },
    ...(replyTo !== null && { replyTo }),
    ...(mentions !== null && { mentions: [...mentions] }),
  };
}

function checkTime({ now }: SchedulerDeps, sendAt: number): void {
  const aheadMs = sendAt - now();
  if (aheadMs < MIN_SCHEDULE_AHEAD_MS || aheadMs > MAX_SCHEDULE_AHEAD_MS)
    throw invalidField(
      "sendAt",
      `must lie ${MIN_SCHEDULE_AHEAD_MS / 1_000} seconds to ${MAX_SCHEDULE_AHEAD_MS / 86_400_000} days ahead`,
    );
}
