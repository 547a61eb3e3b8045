/**
 * How fast a client that was away is up to date: `npm run bench:sync`, `npm run bench:sync -- --on cluster`. One person is in 200
 * groups; while they are away 2,000 messages come, some of which are edited or recalled. Measured is the first page of their sync
 * and the whole of it, beside a call that only reads the caller's own profile.
 */
import { parseArgs } from "node:util";
import type { Params, Result } from "../contracts/index.ts";
import { rest, signUp, type Person } from "./people.ts";
import { quantilesOf } from "./quantiles.ts";
import { saveResults } from "./save.ts";
import { SyncDevice, type CaughtUp } from "./sync-device.ts";
import { openTarget, TARGETS, type TargetName } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    on: { type: "string", default: "embedded" },
    senders: { type: "string", default: "10" },
    groups: { type: "string", default: "20" },
    messages: { type: "string", default: "10" },
    times: { type: "string", default: "200" },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const on = TARGETS.find((name) => name === options.on) as TargetName;
if (!on) throw new Error(`--on ${options.on}: must be one of ${TARGETS.join(", ")}`);
const [senders, groups, messages, times] = [options.senders, options.groups, options.messages, options.times].map(Number) as [
  number,
  number,
  number,
  number,
];

type Answer = Result<"sync.pull">;
const PAGE_CONVERSATIONS = 20;

await using target = await openTarget(on);
const url = target.urls[0]!;

/** Calls and measures; in ms. */
async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const startedAt = performance.now();
  const result = await work();
  return { ms: performance.now() - startedAt, result };
}

const sync = (who: Person, body: Params<"sync.pull">): Promise<Answer> => rest<Answer>(url, "POST", "/sync", body, who.token);

/** Until there is no more. */
const catchUp = (device: SyncDevice): Promise<CaughtUp> =>
  device.catchUp((body) => sync(reader, { ...body, limit: PAGE_CONVERSATIONS }));

/** Groups of each sender with the one who will be away. */
async function makeGroups(reader: Person, people: readonly Person[]): Promise<Map<string, Person>> {
  const owners = new Map<string, Person>();
  for (const sender of people) {
    await rest(url, "PUT", `/social/whitelist/${sender.userId}`, undefined, reader.token);
    for (let i = 0; i < groups; i++) {
      const body = { name: `Group ${i}`, memberIds: [reader.userId] };
      const { group } = await rest<{ group: { conversationId: string } }>(url, "POST", "/social/groups", body, sender.token);
      owners.set(group.conversationId, sender);
    }
  }
  return owners;
}

/** Every hundredth message is edited, every hundredth recalled. */
async function talk(owners: ReadonlyMap<string, Person>): Promise<void> {
  let sent = 0;
  for (const [conversationId, sender] of owners) {
    for (let i = 0; i < messages; i++, sent++) {
      const message = { conversationId, clientMsgId: `away-${i}`, type: "text", content: { text: `message ${i} `.repeat(15) } };
      const { messageId } = await rest<{ messageId: string }>(url, "POST", "/messages", message, sender.token);
      if (sent % 100 === 0) await rest(url, "PUT", `/messages/${messageId}/edit`, { content: { text: "better" } }, sender.token);
      if (sent % 100 === 50) await rest(url, "POST", `/messages/${messageId}/recall`, undefined, sender.token);
    }
  }
}

const run = Date.now().toString(36);
const reader = await signUp(url, `s${run}-reader`);
const people = await Promise.all(Array.from({ length: senders }, (_, i) => signUp(url, `s${run}-${i}`)));
const owners = await makeGroups(reader, people);
await new Promise((resolve) => setTimeout(resolve, 2_000)); // joining is announced behind the answer
const device = new SyncDevice();
await catchUp(device);
const { place } = device;
await talk(owners);
await new Promise((resolve) => setTimeout(resolve, 2_000)); // the persister is through
const firstPages: number[] = [];
const wholes: number[] = [];
const profiles: number[] = [];
let last: CaughtUp | null = null;
for (let i = 0; i < times; i++) {
  const asked = { version: place.version!, conversations: place.marks, limit: PAGE_CONVERSATIONS };
  firstPages.push((await timed(() => sync(reader, asked))).ms);
  profiles.push((await timed(() => rest(url, "GET", "/users/me", undefined, reader.token))).ms);
  if (i % 10 > 0) continue;
  const whole = await timed(() => catchUp(new SyncDevice(place)));
  wholes.push(whole.ms);
  last = whole.result;
}
const results = {
  conversations: owners.size,
  new: { messages: last!.messages, changes: last!.changes, pages: last!.pages },
  firstPageMs: quantilesOf(firstPages),
  wholeMs: quantilesOf(wholes),
  profileMs: quantilesOf(profiles),
};
const told = ({ p50, p95, p99 }: { p50: number; p95: number; p99: number }): string => `p50 ${p50}, p95 ${p95}, p99 ${p99} ms`;
console.log(
  `${on}: ${owners.size} conversations, ${last!.messages} new messages and ${last!.changes} changes on ${last!.pages} pages`,
);
console.log(
  `first page of 20: ${told(results.firstPageMs)}; all pages: ${told(results.wholeMs)}; own profile: ${told(results.profileMs)}`,
);
if (options.save) console.log(`written to ${saveResults(`sync-${on}`, { options, ...results })}`);
