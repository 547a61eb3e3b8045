import type { LocalMessage } from "@moleculer-im/client";

/** Messages of one sender within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

/**
 * What begins with a message: its day, which is written above it; a group of its sender's, with name and picture beside it; or
 * nothing, it goes on with the one before.
 */
export type Start = "day" | "group" | "nothing";

type Item = Pick<LocalMessage, "key" | "seq" | "senderId" | "type" | "createdAt" | "recalledAt">;

/** Whether a message is a line of its own in the middle: what the server says, and what was recalled. */
export const isNotice = ({ type, recalledAt }: Pick<Item, "type" | "recalledAt">): boolean =>
  type === "system" || recalledAt !== undefined;

/** The day that was looked at last; neighbours are of one day mostly, and asking the calendar costs. */
let day = { from: 0, to: 0 };

function isSameDay(one: number, other: number): boolean {
  if (one < day.from || one >= day.to) {
    const date = new Date(one);
    const at = (days: number): number => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
    day = { from: at(0), to: at(1) };
  }
  return other >= day.from && other < day.to;
}

/** What begins with the message at `index`; looks at the one before it only, however many there are. */
export function startOf(items: readonly Item[], index: number): Start {
  const item = items[index];
  const before = items[index - 1];
  if (!item || !before || !isSameDay(before.createdAt, item.createdAt)) return "day";
  const isTogether =
    before.senderId === item.senderId && !isNotice(before) && !isNotice(item) && item.createdAt - before.createdAt < TOGETHER_MS;
  return isTogether ? "nothing" : "group";
}

/** Where the first message with a place above `seq` stands; the number of items when there is none. */
export function indexAfter(items: readonly Item[], seq: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = items[middle]?.seq ?? Number.POSITIVE_INFINITY;
    if (at > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first one of somebody else's behind what was read; null when there is none here. What the server says is not unread. */
export function firstUnread(items: readonly Item[], readSeq: number, me: string): Item | null {
  for (let index = indexAfter(items, readSeq); index < items.length; index++) {
    const item = items[index];
    if (item && item.seq !== null && item.senderId !== me && !isNotice(item)) return item;
  }
  return null;
}

/** How one list of messages became another. */
export type ListChange =
  | { readonly kind: "replaced" }
  | {
      readonly kind: "changed";
      /** How many more there are at the beginning; less than none: so many are gone. */
      readonly before: number;
      /** The same at the end, or anywhere behind the first one. */
      readonly behind: number;
    };

/** So many of the first ones may have been deleted at once for a list to be the same one still. */
const MISSED = 50;

/** What is new at either end, by the keys; `replaced` when the lists have nothing in common at the beginning of the old one. */
export function changeOf(old: readonly Item[], next: readonly Item[]): ListChange {
  if (old.length === 0 || next.length === 0) return { kind: "replaced" };
  for (let index = 0; index < Math.min(old.length, MISSED); index++) {
    const key = old[index]?.key;
    const at = next[index]?.key === key ? index : next.findIndex((item) => item.key === key);
    if (at >= 0) return { kind: "changed", before: at - index, behind: next.length - old.length - (at - index) };
  }
  return { kind: "replaced" };
}
