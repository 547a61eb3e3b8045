import type { Message } from "../../contracts/entities.ts";
import type { Im } from "./im.ts";
import { send, shown, type Person, type Sent } from "./messages.ts";

export const BURN_AFTER_MS = 60_000;

/** Sends a text that burns a minute after reading. */
export const sendBurning = (im: Im, from: Person, conversationId: string, words?: string): Promise<Sent> =>
  send(im, from, conversationId, words, { burnAfterMs: BURN_AFTER_MS });

/** Its timer as it stands; undefined when there is none. */
export async function timerOf(im: Im, { conversationId, seq }: Sent): Promise<{ burnsAt: number | null } | undefined> {
  const [row] = await im.sql.select<{ burns_at: number | null }>(
    "select burns_at from burn_timer where conversation_id = :conversationId and seq = :seq",
    { conversationId, seq },
  );
  return row && { burnsAt: row.burns_at === null ? null : Number(row.burns_at) };
}

/** Lets the time of a timer that runs pass, so far that it ran out that long ago. */
export const runOut = (im: Im, { conversationId, seq }: Sent, agoMs = 0) =>
  im.sql.execute(
    `update burn_timer set burns_at = :at, due_at = :at
     where conversation_id = :conversationId and seq = :seq and burns_at is not null`,
    { conversationId, seq, at: Date.now() - agoMs },
  );

/** Reads all up to a message. */
export const readUpTo = ({ node }: Im, by: Person, { conversationId, seq }: Sent) =>
  node.as(by.userId, "conversation.markRead", { conversationId, seq });

/** Whether its words are gone for this user. */
export async function isBurnt(im: Im, to: Person, sent: Sent): Promise<boolean> {
  const message: Message | undefined = await shown(im, to, sent);
  return message?.recalledAt !== undefined && Object.keys(message.content).length === 0;
}
