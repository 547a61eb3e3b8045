import { parseArgs } from "node:util";
import type { ServiceBroker } from "moleculer";
import type { Broadcast } from "../contracts/services/notification.ts";
import { call } from "../lib/service.ts";
import { findUser } from "./find-user.ts";
import { moment, table, type Report } from "./report.ts";

type Filter = Broadcast["filter"];

const OPTIONS = { zh: { type: "string" }, to: { type: "string" } } as const;
/** Broadcasts that the list shows. */
const SHOWN = 20;
/** Characters of the text that the list shows. */
const SHOWN_TEXT = 40;

/**
 * Begins to tell all users, or those of `--to`, in the background. Without `--zh` the one text is for both languages.
 * `--to` is a list of parts with commas: users, `group:<groupId>`, `language:<en|zh>`, `after:<date>` and `before:<date>` of the
 * registration.
 */
export async function startBroadcast(broker: ServiceBroker, ...words: string[]): Promise<Report> {
  const { positionals, values } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true });
  const [en = "", ...more] = positionals;
  if (en === "" || more.length > 0) throw new Error("The text is one word in quotes.");
  const filter = values.to === undefined ? {} : await filterOf(broker, values.to);
  const { broadcastId } = await call(broker, "notification.broadcast", { text: { en, zh: values.zh ?? en }, filter });
  const { total } = await call(broker, "notification.broadcastStatus", { broadcastId });
  return [`Broadcast ${broadcastId} to ${total} user${total === 1 ? "" : "s"} has begun; im broadcasts shows how far it is.`];
}

/** The newest broadcasts, or the end of one that is running. */
export async function showBroadcasts(broker: ServiceBroker, verb?: string, broadcastId = ""): Promise<Report> {
  if (verb !== undefined) return [lineOf(await cancel(broker, verb, broadcastId))];
  const { items } = await call(broker, "notification.broadcasts", { limit: SHOWN });
  if (items.length === 0) return ["There were no broadcasts."];
  return table(
    ["broadcast", "state", "done", "total", "told", "began", "ended", "text"],
    items.map(({ broadcastId: id, state, done, total, told, createdAt, finishedAt, text }) => [
      ...[id, state, done, total, told, moment(createdAt), moment(finishedAt)],
      shorten(text.en),
    ]),
  );
}

async function cancel(broker: ServiceBroker, verb: string, broadcastId: string): Promise<Broadcast> {
  if (verb !== "cancel" || !/^[1-9]\d{0,18}$/.test(broadcastId)) throw new Error("Usage: im broadcasts [cancel <broadcastId>]");
  return call(broker, "notification.cancelBroadcast", { broadcastId });
}

function lineOf({ broadcastId, state, done, total, told }: Broadcast): string {
  return `Broadcast ${broadcastId} is ${state}: ${done} of ${total} users, ${told} told.`;
}

const shorten = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > SHOWN_TEXT ? `${line.slice(0, SHOWN_TEXT - 1)}…` : line;
};

async function filterOf(broker: ServiceBroker, to: string): Promise<Filter> {
  const filter: { -readonly [K in keyof Filter]: Filter[K] } = {};
  const userIds: string[] = [];
  for (const part of to.split(",").map((one) => one.trim())) {
    const [kind, value = ""] = part.split(/:(.*)/s);
    if (kind === "group") filter.groupId = groupOf(value);
    else if (kind === "language") filter.language = languageOf(value);
    else if (kind === "after") filter.createdAfter = timeOf(value);
    else if (kind === "before") filter.createdBefore = timeOf(value);
    else userIds.push((await findUser(broker, part)).userId);
  }
  return userIds.length > 0 ? { ...filter, userIds } : filter;
}

function groupOf(value: string): string {
  if (!/^[1-9]\d{0,18}$/.test(value)) throw new Error(`"${value}" is no group id.`);
  return value;
}

function languageOf(value: string): "en" | "zh" {
  if (value !== "en" && value !== "zh") throw new Error(`"${value}" is neither en nor zh.`);
  return value;
}

function timeOf(value: string): number {
  const time = Date.parse(value);
  if (!/^\d{4}-\d\d-\d\d/.test(value) || Number.isNaN(time)) throw new Error(`"${value}" is no date such as 2026-01-31.`);
  return time;
}
