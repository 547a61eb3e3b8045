import type { LocalMessage } from "@moleculer-im/client";

type Content = LocalMessage["content"];

/** Fields of a content, which may come from a newer server: what is not as expected counts as not given. */
export const textOf = (content: Content, field: string): string => {
  const value = content[field];
  return typeof value === "string" ? value : "";
};
export const numberOf = (content: Content, field: string): number | null => {
  const value = content[field];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
};
export const textsOf = (content: Content, field: string): string[] => {
  const value = content[field];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
};

/** What a merged forward holds: what was said, by whom and when. */
export interface Snapshot {
  readonly senderId: string;
  readonly senderName: string;
  readonly type: LocalMessage["type"];
  readonly content: Content;
  /** Epoch ms. */
  readonly createdAt: number;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The messages in a merged forward; none while it is on its way and holds their ids only. */
export function snapshotsOf(content: Content): Snapshot[] {
  const items = Array.isArray(content["items"]) ? content["items"] : [];
  return items.filter(isRecord).map((item) => ({
    senderId: textOf(item, "senderId"),
    senderName: textOf(item, "senderName"),
    type: (textOf(item, "type") || "custom") as Snapshot["type"],
    content: isRecord(item["content"]) ? item["content"] : {},
    createdAt: numberOf(item, "createdAt") ?? 0,
  }));
}

/** How many messages a forward holds, also one on its way. */
export const forwardedCount = (content: Content): number => (Array.isArray(content["items"]) ? content["items"].length : 0);
