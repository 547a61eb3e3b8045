import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AcceptRequest } from "../../mixins/hot-store/port.ts";
import { AcceptQueue, type Sent } from "../../services/message/accept-queue.ts";
import { MessageRepository } from "../../services/message/repository.ts";
import { buildRequest, member } from "../contract/hot-store-conversations/requests.ts";
import { createDatabase } from "../support/database.ts";
import { LoggedToSql } from "../support/logged-to-sql.ts";
import { newId } from "../support/records.ts";
import { newPrefix, redisNode, wipe, type RedisNode } from "../support/redis-conversations.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const redis = await serversFor("redis");
const database = await createDatabase();
const { sql } = database;
after(() => database[Symbol.asyncDispose]());

const SENDERS = ["7", "8", "9", "10"];
const MESSAGES = 120;
const WIPES = [60, 180, 320];
const MAX_TRIES = 100;

/** A stable seq that someone was told, and how much was in the log then. */
interface Told {
  readonly stable: number;
  readonly logged: number;
}

/** What a node that takes messages is made of. */
function queueOn({ conversations, blocks }: RedisNode, log: LoggedToSql, told: Told[]): AcceptQueue {
  const repository = new MessageRepository(sql);
  const members = Object.fromEntries(SENDERS.map((senderId) => [senderId, member()]));
  const watched = {
    ...conversations,
    async logged(records: Parameters<typeof conversations.logged>[0]) {
      const stable = await conversations.logged(records);
      for (const seq of stable.values()) told.push({ stable: seq, logged: log.records.length });
      return stable;
    },
  };
  return new AcceptQueue({
    conversations: watched,
    log: log as never,
    lookUp: (requests) => repository.knownOf(requests),
    async warm(conversationId) {
      const generation = await conversations.generation(conversationId);
      const { seq: headSeq } = await repository.head(conversationId, null);
      assert.ok(headSeq <= ((await blocks.find(conversationId))?.reserved ?? 0));
      const snapshot = { conversationId, headSeq, allMuted: false, dissolved: false, members };
      await conversations.load(snapshot, generation);
      return true;
    },
    onLogged: () => undefined,
    metrics: { increment: () => undefined, observe: () => undefined },
    now: Date.now,
    pace: null,
  });
}

/** Sends until it is acknowledged, under one client message id, as a client does that hears nothing of its message. */
async function sendUntilKnown(queues: readonly AcceptQueue[], request: AcceptRequest): Promise<Sent> {
  for (let tries = 0; ; tries++) {
    try {
      const queue = queues[tries % queues.length]!;
      return await queue.submit(request.conversationId, { ...request, messageId: newId() });
    } catch (error) {
      assert.equal((error as { retryable?: boolean }).retryable, true, String(error));
      if (tries >= MAX_TRIES) throw error;
      await delay(5);
    }
  }
}

describe("a Redis that loses everything under load", { skip: redis.skip, timeout: 60_000 }, () => {
  it("loses, repeats and reorders nothing that was acknowledged, and leaves no hole", async () => {
    const keyPrefix = newPrefix();
    const log: LoggedToSql = new LoggedToSql(sql, () => a.conversations);
    const drained = (timeoutMs: number): Promise<boolean> => log.settled(timeoutMs);
    await using a = await redisNode({ url: redis.url, sql, keyPrefix, drained });
    await using b = await redisNode({ url: redis.url, sql, keyPrefix, drained });
    const told: Told[] = [];
    const queues = [queueOn(a, log, told), queueOn(b, log, told)];
    const id = `g_${newId()}`;
    const acknowledged = new Map<string, Sent>();
    const send = async (senderId: string, index: number): Promise<void> => {
      for (let i = 0; i < MESSAGES; i++) {
        const request = buildRequest(id, { senderId, inSql: "unasked" });
        const sent = await sendUntilKnown(index % 2 === 0 ? queues : queues.toReversed(), request);
        acknowledged.set(`${senderId} ${request.clientMsgId}`, sent);
      }
    };
    const wiping = async (): Promise<void> => {
      for (const count of WIPES) {
        await waitFor(() => acknowledged.size >= count, `${count} messages`, 30_000);
        await wipe(a.client, keyPrefix);
      }
    };
    await Promise.all([wiping(), ...SENDERS.map(send)]);
    await Promise.all(queues.map((queue) => queue.idle()));
    assert.ok(await log.settled(5_000));

    assert.equal(acknowledged.size, SENDERS.length * MESSAGES);
    assert.ok((await a.blocks.find(id))!.epoch > WIPES.length, "each wipe began an epoch");
    const rows = await sql.select<{ seq: number; message_id: string; sender_id: string; client_msg_id: string; type: string }>(
      "select seq, message_id, sender_id, client_msg_id, type from message where conversation_id = :id order by seq",
      { id },
    );
    assert.deepEqual(
      rows.map(({ seq }) => Number(seq)),
      rows.map((_, index) => index + 1),
      "each seq is a message or a void",
    );
    const stored = new Map(rows.map((row) => [`${row.sender_id} ${row.client_msg_id}`, row]));
    for (const [key, { messageId, seq }] of acknowledged) {
      const row = stored.get(key);
      assert.deepEqual([String(row?.message_id), Number(row?.seq)], [messageId, seq], key);
    }
    for (const senderId of SENDERS) {
      const seqs = [...acknowledged].filter(([key]) => key.startsWith(`${senderId} `)).map(([, { seq }]) => seq);
      assert.deepEqual(
        seqs,
        seqs.toSorted((x, y) => x - y),
        "what one sends one after the other stays so",
      );
    }
    const isMessage = new Set(rows.filter(({ type }) => type !== "void").map(({ message_id }) => String(message_id)));
    const arrivedAt = new Map<string, { seq: number; at: number }>();
    log.records.forEach(({ messageId, seq }, at) => {
      if (isMessage.has(messageId) && !arrivedAt.has(messageId)) arrivedAt.set(messageId, { seq, at });
    });
    for (const { stable, logged } of told) {
      const late = [...arrivedAt.values()].filter(({ seq, at }) => seq <= stable && at >= logged);
      assert.deepEqual(late, [], `appeared at or below ${stable} after that was told`);
    }
    await wipe(a.client, keyPrefix);
  });
});
