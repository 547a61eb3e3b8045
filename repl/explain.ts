import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import { facts, moment, table, type Report } from "./report.ts";

const STEPS = {
  acceptedAt: "accepted",
  loggedAt: "in the log",
  persistedAt: "in the database",
  editedAt: "edited",
  recalledAt: "recalled",
} as const;

/** The life of one message, each step with its time; its words are not shown. */
export async function explainOne(broker: ServiceBroker, messageId: string): Promise<Report> {
  if (!/^[1-9]\d{0,18}$/.test(messageId)) throw new Error(`"${messageId}" is no message id.`);
  const life = await call(broker, "message.explain", { messageId });
  if (!life) throw new Error(`Nothing is known of message ${messageId}.`);
  const readers = (life["readBy"] ?? []) as readonly { userId: string; readAt: number }[];
  return [
    ...facts({
      message: text(life["messageId"]),
      conversation: text(life["conversationId"]),
      seq: text(life["seq"]),
      sender: text(life["senderId"]),
      type: text(life["type"]),
      state: text(life["persistStatus"]),
      ...Object.fromEntries(Object.entries(STEPS).map(([field, name]) => [name, moment(life[field])])),
      "read by": readers.length,
    }),
    ...(readers.length > 0
      ? table(
          ["reader", "at"],
          readers.map(({ userId, readAt }) => [userId, moment(readAt)]),
        )
      : []),
  ];
}

function text(value: unknown): string | number | null {
  return typeof value === "string" || typeof value === "number" ? value : null;
}
