import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Conversation, Message } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { dataOf, type Client } from "../support/client.ts";
import { befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";
import { forAll } from "./for-all.ts";

/** What is done in one of two conversations, by one's own devices and by the other one. */
type Operation = { readonly conversation: 0 | 1; readonly device: 0 | 1 | 2 } & (
  | { readonly op: "own"; readonly change: Partial<Pick<Conversation, "pinned" | "muted" | "hidden" | "draft">> }
  | { readonly op: "read" | "delete" | "recall"; readonly back: number }
  | { readonly op: "hear"; readonly mention: "me" | "all" | "nobody" }
  | { readonly op: "say" | "clear" }
);

const where = {
  conversation: fc.constantFrom(0 as const, 1 as const),
  device: fc.constantFrom(0 as const, 1 as const, 2 as const),
};
const back = fc.nat({ max: 4 });
const change = fc.oneof(
  fc.record({ pinned: fc.boolean() }),
  fc.record({ muted: fc.boolean() }),
  fc.record({ hidden: fc.boolean() }),
  fc.record({ draft: fc.constantFrom("", "dear", "dear friend") }),
  fc.record({ pinned: fc.boolean(), draft: fc.constantFrom("x", "y") }),
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...where, op: fc.constant("own" as const), change }) },
  {
    weight: 4,
    arbitrary: fc.record({ ...where, op: fc.constantFrom("read" as const, "delete" as const, "recall" as const), back }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...where,
      op: fc.constant("hear" as const),
      mention: fc.constantFrom("me" as const, "all" as const, "nobody" as const, "nobody" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...where, op: fc.constantFrom("say" as const, "clear" as const) }) },
);

type Place = Pick<Message, "conversationId" | "seq">;
interface World {
  readonly me: TestUser;
  readonly other: TestUser;
  readonly devices: readonly Client[];
  /** As each device was told when it signed in. */
  readonly before: readonly Conversation[];
  readonly ids: readonly [string, string];
  /** What the other one has sent. */
  readonly heard: Message[];
  /** What was sent from each device, and read on it: it hears of that in the answer alone. */
  readonly said: Map<Client, Place[]>;
  readonly read: Map<Client, Place[]>;
}

async function buildWorld(im: Im): Promise<World> {
  const [me, other] = [await buildUser(im), await buildUser(im)];
  const direct = await befriend(im, me, other);
  await dataOf(other.rest.post("/messages", text(direct)));
  const group = await buildGroup(im, other, [me]);
  const others = [await me.signIn({ deviceId: "two" }), await me.signIn({ deviceId: "three" })];
  const devices = await Promise.all([me, ...others].map(({ token }) => im.connect({ token })));
  const ids = [direct, group.conversationId] as const;
  const ofEach = (): Map<Client, Place[]> => new Map(devices.map((device) => [device, []]));
  return { me, other, devices, before: await listOf(me), ids, heard: [], said: ofEach(), read: ofEach() };
}

const listOf = async ({ rest }: TestUser): Promise<Conversation[]> =>
  (await dataOf(rest.get<{ items: Conversation[] }>("/social/conversations?limit=100"))).items;

async function perform({ me, other, devices, ids, heard, said, read }: World, one: Operation): Promise<void> {
  const conversationId = ids[one.conversation];
  const messages = heard.filter((message) => message.conversationId === conversationId);
  const message = "back" in one ? messages.at(-1 - one.back) : undefined;
  const device = devices[one.device]!;
  if (one.op === "own") await dataOf(me.rest.put(`/social/conversations/${conversationId}`, one.change));
  else if (one.op === "clear") await dataOf(me.rest.delete(`/social/conversations/${conversationId}/messages`));
  else if (one.op === "say") said.get(device)!.push(await device.ok<Message>("message:send", text(conversationId)));
  else if (one.op === "hear") {
    const mentions = { me: [me.userId], all: ["all"], nobody: [] }[one.mention];
    const isGroup = conversationId.startsWith("g_");
    const sent = await dataOf(
      other.rest.post<Message>("/messages", text(conversationId, "hello", isGroup && mentions.length > 0 ? { mentions } : {})),
    );
    heard.push(sent);
  } else if (one.op === "read") {
    const { seq } = await device.ok<Place>("message:read", { conversationId, seq: message?.seq ?? 99 });
    read.get(device)!.push({ conversationId, seq });
  } else if (message && one.op === "recall") await dataOf(other.rest.post(`/messages/${message.messageId}/recall`, {}));
  // What was cleared away meanwhile is not there any more.
  else if (message && one.op === "delete") await device.send("message:delete", { messageId: message.messageId });
}

type Own = Pick<Conversation, "pinned" | "muted" | "hidden" | "draft">;
type Shown = Own & Pick<Conversation, "readSeq"> & { readonly clearedSeq: number };
type Update = Partial<Own> & { version: string; maxSeq?: number; readSeq?: number; clearedSeq?: number; conversationId: string };

/** What a device makes of all that it heard, in whatever order. */
function shownBy(client: Client, { me, said, read }: World, before: Conversation): Shown {
  const { conversationId } = before;
  const ofThis = <T extends { conversationId: string }>(all: readonly T[]): T[] =>
    all.filter((one) => one.conversationId === conversationId);
  const updates = ofThis(client.of<Update>("conversation:updated"));
  const messages = ofThis(client.of<Message>("message:new"));
  const highest = (seqs: readonly (number | undefined)[]): number => Math.max(0, ...seqs.map((seq) => seq ?? 0));
  const own = updates.filter(({ pinned }) => pinned !== undefined).sort((a, b) => Number(b.version) - Number(a.version))[0];
  const mine = [...messages.filter(({ senderId }) => senderId === me.userId), ...ofThis(said.get(client)!)];
  const { pinned, muted, hidden, draft, maxSeq } = { ...before, ...own };
  const readHere = [...mine, ...ofThis(read.get(client)!)].map(({ seq }) => seq);
  return {
    pinned,
    muted,
    draft,
    hidden: hidden && highest([...messages, ...mine].map(({ seq }) => seq)) <= maxSeq,
    readSeq: highest([before.readSeq, ...updates.map(({ readSeq }) => readSeq), ...readHere]),
    clearedSeq: highest(updates.map(({ clearedSeq }) => clearedSeq)),
  };
}

/** Counted from the rows, for who has read, and sees, what is behind these. */
async function recount(im: Im, me: TestUser, conversationId: string, { readSeq, clearedSeq }: Shown) {
  const rows = await im.sql.select<{
    message_id: string;
    sender_id: string;
    type: string;
    recalled_at: number | null;
    seq: number;
  }>(
    `select m.message_id, m.sender_id, m.type, m.recalled_at, m.seq, m.mentions from message m
     where m.conversation_id = :conversationId and m.seq > :clearedSeq and not exists
       (select 1 from message_hidden h where h.user_id = :userId and h.conversation_id = m.conversation_id and h.seq = m.seq)
     order by m.seq`,
    { conversationId, clearedSeq, userId: me.userId },
  );
  const unread = rows.filter(
    (row) =>
      Number(row.seq) > readSeq && String(row.sender_id) !== me.userId && row.recalled_at === null && row.type !== "system",
  ) as unknown as { mentions: string | null }[];
  const mentions = unread.flatMap((row) => JSON.parse(row.mentions ?? "[]") as string[]);
  return {
    unread: unread.length,
    mentioned: mentions.some((who) => who === "all" || who === me.userId),
    lastMessageId: rows.length > 0 ? String(rows.at(-1)!.message_id) : undefined,
  };
}

/** Up to where I have cleared it; I was in it from its beginning. */
async function storedClearedSeq(im: Im, { userId }: TestUser, conversationId: string): Promise<number> {
  const [row] = await im.sql.select<{ min_seq: number }>(
    "select min_seq from conversation_member where user_id = :userId and conversation_id = :conversationId",
    { userId, conversationId },
  );
  return Number(row!.min_seq) - 1;
}

async function assertConverged(im: Im, world: World): Promise<void> {
  const { me, devices, before, ids } = world;
  const list = await listOf(me);
  for (const conversationId of ids) {
    const listed = list.find((one) => one.conversationId === conversationId)!;
    const start = before.find((one) => one.conversationId === conversationId)!;
    const { pinned, muted, hidden, draft, readSeq, unread, mentioned, lastMessage } = listed;
    const clearedSeq = await storedClearedSeq(im, me, conversationId);
    for (const device of devices) {
      const shows = (): Shown => shownBy(device, world, start);
      const expected = { pinned, muted, draft, hidden, readSeq, clearedSeq };
      const isSame = (): boolean => JSON.stringify(shows()) === JSON.stringify(expected);
      await waitFor(isSame, "the device", 3_000).catch(() => assert.deepEqual(shows(), expected));
      const counted = await recount(im, me, conversationId, shows());
      assert.deepEqual({ unread, mentioned, lastMessageId: lastMessage?.messageId }, counted);
    }
  }
  const badge = await dataOf(me.rest.get<Result<"conversation.unread">>("/social/conversations/unread"));
  const open = list.filter(({ hidden }) => !hidden);
  const sum = (isMuted: boolean): number => open.reduce((total, one) => total + (one.muted === isMuted ? one.unread : 0), 0);
  assert.deepEqual([badge.unread, badge.muted.unread], [sum(false), sum(true)]);
}

test("devices that change one list at once all show what the server has", { timeout: 200_000 }, async () => {
  await using im = await startIm();
  const scripts = fc.array(fc.array(operation, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 4, size: "max" });
  await forAll(scripts, { runs: 60, timeLimitMs: 20_000 }, async (given) => {
    const world = await buildWorld(im);
    try {
      await Promise.all(
        given.map(async (script) => {
          for (const one of script) await perform(world, one);
        }),
      );
      await assertConverged(im, world);
    } finally {
      for (const device of world.devices) await device.close();
    }
  });
});
