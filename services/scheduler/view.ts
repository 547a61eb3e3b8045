import type { ScheduledMessage } from "../../contracts/entities.ts";
import { errorEntry, errorTable } from "../../contracts/errors.ts";
import type { Params } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import type { Language } from "../../contracts/meta.ts";
import { toPage } from "../../lib/page.ts";
import { invalidField } from "../../lib/validation.ts";
import type { Position, ScheduledRepository } from "./repository.ts";
import type { Scheduled } from "./rows.ts";

/** A scheduled message as its author sees it. */
export function viewScheduled(scheduled: Scheduled, language: Language = "en"): ScheduledMessage {
  const { scheduledId, conversationId, clientMsgId, type, content, sendAt, state, createdAt } = scheduled;
  const { replyTo, mentions, failure, messageId, seq, sentAt } = scheduled;
  return {
    ...{ scheduledId, conversationId, clientMsgId, type, content, sendAt, state, createdAt },
    ...(replyTo !== null && { replyTo }),
    ...(mentions !== null && { mentions: [...mentions] }),
    ...(failure !== null && { failure: failureOf(failure, language) }),
    ...(messageId !== null && seq !== null && sentAt !== null && { messageId, seq, sentAt }),
  };
}

function failureOf(type: string, language: Language): { code: number; message: string } {
  const entry = errorEntry(type) ?? errorTable.INTERNAL;
  return { code: entry.code, message: entry[language] };
}

export async function listScheduled(
  repository: ScheduledRepository,
  { userId, language }: { userId: string; language?: Language | undefined },
  { limit = DEFAULT_PAGE, cursor }: Params<"scheduler.list">,
): Promise<{ items: ScheduledMessage[]; nextCursor: string | null }> {
  const found = await repository.page(userId, { after: positionOf(cursor), limit: limit + 1 });
  const { rows, nextCursor } = toPage(found, limit, ({ sendAt, scheduledId }) => `${sendAt}.${scheduledId}`);
  return { items: rows.map((row) => viewScheduled(row, language)), nextCursor };
}

/** @throws VALIDATION for a cursor that no page ever gave */
function positionOf(cursor: string | undefined): Position | null {
  if (cursor === undefined) return null;
  const [, sendAt, scheduledId] = /^(\d{1,15})\.([1-9]\d{0,18})$/.exec(cursor) ?? [];
  if (sendAt === undefined || scheduledId === undefined)
    throw invalidField("cursor", "must be the nextCursor of the page before");
  return { sendAt: Number(sendAt), scheduledId };
}

export async function exportScheduled(
  repository: ScheduledRepository,
  { userId, after = null, limit }: { userId: string; after?: Position | null | undefined; limit: number },
): Promise<ScheduledMessage[]> {
  return (await repository.page(userId, { after, limit })).map((row) => viewScheduled(row));
}
