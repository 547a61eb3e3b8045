/**
 * A page of history at a random place in a table of 1,000,000 messages: `npm run bench:history`,
 * `npm run bench:history -- --on cluster`. The table is filled past the server; beside it stands a call that only reads the caller's
 * own profile.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fillPeople, fillTable, type Filling } from "./fill.ts";
import { rest, type Person } from "./people.ts";
import { quantilesOf, type Quantiles } from "./quantiles.ts";
import { saveResults } from "./save.ts";
import { openTarget, TARGETS, type TargetName } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    on: { type: "string", default: "embedded" },
    messages: { type: "string", default: "1000000" },
    conversations: { type: "string", default: "200" },
    pages: { type: "string", default: "2000" },
    limit: { type: "string", default: "50" },
    parallel: { type: "string", default: "2" },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const on = TARGETS.find((name) => name === options.on) as TargetName;
if (!on) throw new Error(`--on ${options.on}: must be one of ${TARGETS.join(", ")}`);
const [messages, conversations, pages, limit, parallel] = (
  ["messages", "conversations", "pages", "limit", "parallel"] as const
).map((name) => Number(options[name])) as [number, number, number, number, number];

const SENDERS = 20;
const each = Math.floor(messages / conversations);
const conversationIds = Array.from({ length: conversations }, (_, i) => `g_${2_000_000_000_000 + i}`);
const content = JSON.stringify({ text: "a message of some length ".repeat(8) });

function* allMessages(): Generator<{ conversationId: string; seq: number; number: number }> {
  let number = 0;
  for (const conversationId of conversationIds)
    for (let seq = 1; seq <= each; seq++) yield { conversationId, seq, number: number++ };
}

async function fillMessages(filling: Filling, [reader, ...senders]: readonly Person[]): Promise<void> {
  const now = Date.now();
  await fillTable(filling, "conversation_member", conversationIds, (conversationId) => ({
    user_id: reader!.userId,
    conversation_id: conversationId,
    ...{ active: 1, min_seq: 1, max_seq: null, read_seq: each, read_at: now, shown_seq: each, shown_at: now },
    ...{ delivered_seq: each, delivered_at: now, pinned: 0, muted: 0, hidden_seq: null, draft: "", since_seq: 0, version: 1 },
    created_at: now,
  }));
  await fillTable(filling, "message", allMessages(), ({ conversationId, seq, number }) => ({
    conversation_id: conversationId,
    seq,
    message_id: String(3_000_000_000_000 + number),
    sender_id: senders[number % senders.length]!.userId,
    client_msg_id: `fill-${number}`,
    ...{ type: "text", content, reply_to: null, mentions: null, body_hash: "x" },
    ...{ created_at: now - messages + number, persisted_at: now, version: 0, edited_at: null, recalled_at: null },
  }));
}

let people: readonly Person[] = [];
const startedAt = performance.now();
await using target = await openTarget(on, {
  fill: async (filling) => {
    people = await fillPeople(filling, SENDERS + 1);
    await fillMessages(filling, people);
  },
});
const url = target.urls[0]!;
const { token } = people[0]!;
console.log(`${on}: ${each * conversations} messages after ${Math.round((performance.now() - startedAt) / 1_000)} s`);

interface Page {
  readonly items: readonly { seq: number }[];
}

async function randomPage(): Promise<void> {
  const conversationId = conversationIds[randomInt(conversations)]!;
  const beforeSeq = randomInt(limit + 1, each + 1);
  const path = `/messages/conversations/${conversationId}/history?beforeSeq=${beforeSeq}&limit=${limit}`;
  const { items } = await rest<Page>(url, "GET", path, undefined, token);
  if (items.length !== limit || items.at(-1)?.seq !== beforeSeq - 1) throw new Error(`${path}: not the page that was asked for`);
}

/** `parallel` at a time; in ms. */
async function timesOf(count: number, work: () => Promise<unknown>): Promise<Quantiles> {
  const times: number[] = [];
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const began = performance.now();
      await work();
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return quantilesOf(times);
}

await timesOf(pages / 10, randomPage); // what everybody needs is loaded
const pageMs = await timesOf(pages, randomPage);
const profileMs = await timesOf(pages, () => rest(url, "GET", "/users/me", undefined, token));
const told = ({ p50, p95, p99 }: Quantiles): string => `p50 ${p50}, p95 ${p95}, p99 ${p99} ms`;
console.log(`page of ${limit} at a random place, ${parallel} at a time: ${told(pageMs)}; own profile: ${told(profileMs)}`);
if (options.save) console.log(`written to ${saveResults(`history-${on}`, { options, pageMs, profileMs })}`);
