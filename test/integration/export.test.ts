import assert from "node:assert/strict";
import { get, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { describe, it } from "node:test";
import type { Message, Notification } from "../../contracts/entities.ts";
import type { Caller } from "../../contracts/meta.ts";
import { API_PREFIX } from "../../contracts/routes.ts";
import { verifyAccessToken } from "../../lib/tokens.ts";
import { tokenKeys } from "../../lib/token-keys.ts";
import type { HttpVars } from "../../mixins/http/index.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { EXPORT_PAGE } from "../../services/user/export-data.ts";
import { buildUser as buildAccount, createAccountNode, signIn, standIn } from "../support/accounts.ts";
import { befriend, buildUser, startIm, type Im, type TestUser } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { createNode } from "../support/node.ts";
import { buildRecords, newId } from "../support/records.ts";
import { dataOf } from "../support/client.ts";
import { waitFor } from "../support/wait.ts";

interface Exported {
  readonly messages: Message[];
  readonly notifications: Notification[];
}
interface Writer {
  readonly im: Im;
  readonly user: TestUser;
  readonly caller: Caller;
  readonly conversationId: string;
}

/** Somebody who has sent this many messages to a friend. */
async function buildWriter(im: Im, messages: number): Promise<Writer> {
  const [user, friend] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, user, friend);
  const { userId, sessionId, deviceId } = verifyAccessToken(tokenKeys(im.node.config.jwtSecret, null), user.token, Date.now());
  const writer = { im, user, caller: { userId, sessionId, deviceId }, conversationId };
  await write(writer, messages, 1);
  await im.node.as(userId, "conversation.open", { userId: friend.userId });
  return writer;
}

/** Messages `from`, `from + 1`, … of their conversation, as the persister writes them. */
async function write({ im, user, conversationId }: Writer, count: number, from: number, senderId = user.userId): Promise<void> {
  await new PersistRepository(im.sql).insertNew(buildRecords(count, { conversationId, senderId }, from), 1);
}

const seqsOf = ({ messages }: Exported): number[] => messages.map(({ seq }) => seq);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** The stream that the edge gets. */
const streamOf = ({ im, caller }: Writer): Promise<Readable> =>
  im.broker.call("user.exportMe", {}, { meta: { caller } }) as unknown as Promise<Readable>;

/** Counts pages of messages as they are read; `hold` keeps the page of this number back until it is let go. */
function watchPages(im: Im, hold = Infinity) {
  const gate = Promise.withResolvers<void>();
  const pages = { asked: 0, rows: 0, release: gate.resolve, restore: () => undefined as void };
  pages.restore = intercept(im.broker, "message.exportOf", async (proceed) => {
    const page = ++pages.asked;
    if (page === hold) await gate.promise;
    const rows = (await proceed()) as Message[];
    pages.rows += rows.length;
    return rows;
  });
  return pages;
}

describe("an export", () => {
  it("holds all and only one's own, however many pages it takes", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 3 * EXPORT_PAGE + 7);
    const { user, conversationId } = writer;
    await write(
      writer,
      50,
      3 * EXPORT_PAGE + 8,
      conversationId.split("_").find((id) => /^\d+$/.test(id) && id !== user.userId),
    );
    await im.sql.insertRows(
      "notification",
      Array.from({ length: 2 * EXPORT_PAGE }, (_, index) => ({
        notification_id: newId(),
        user_id: user.userId,
        event_id: `e${index}`,
        type: "system.notice",
        data: JSON.stringify({ text: `notice ${index}` }),
        read_at: null,
        created_at: index,
      })),
      "fail",
    );
    const data = await dataOf(user.rest.get<Exported & Record<string, unknown>>("/users/me/export"));
    assert.deepEqual(Object.keys(data).sort(), [
      "conversations",
      "devices",
      "exportedAt",
      "favorites",
      "friends",
      "groups",
      "messages",
      "notifications",
      "scheduled",
      "settings",
      "user",
    ]);
    assert.deepEqual(seqsOf(data), upTo(3 * EXPORT_PAGE + 7));
    assert.ok(data.messages.every(({ senderId }) => senderId === user.userId));
    const notices = data.notifications.filter(({ type }) => type === "system.notice");
    assert.equal(new Set(notices.map(({ text }) => text)).size, 2 * EXPORT_PAGE);
  });

  it("finds what stands far apart among the messages of others", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 1);
    const others = writer.conversationId.split("_").find((id) => /^\d+$/.test(id) && id !== writer.user.userId);
    await write(writer, 4_998, 2, others);
    await write(writer, 2, 5_000);
    await write(writer, 100, 5_002, others);
    assert.deepEqual(seqsOf((await json(await streamOf(writer))) as Exported), [1, 5_000, 5_001]);
  });

  it("is empty lists for who has said nothing", async () => {
    await using im = await startIm();
    const { rest } = await buildUser(im);
    const { messages, notifications } = await dataOf(rest.get<Exported>("/users/me/export"));
    assert.deepEqual([messages, notifications], [[], []]);
  });

  it("has no more than two pages in memory, however many there are", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 10 * EXPORT_PAGE);
    const pages = watchPages(im);
    const stream = await streamOf(writer);
    let [taken, inFlight] = [0, 0];
    for await (const chunk of stream) {
      inFlight = Math.max(inFlight, pages.rows - taken);
      taken += [...String(chunk).matchAll(/"messageId":/g)].length;
      await new Promise(setImmediate); // whoever reads ahead has the time for it
    }
    assert.equal(taken, 10 * EXPORT_PAGE);
    assert.equal(pages.asked, 11);
    assert.ok(inFlight <= 2 * EXPORT_PAGE, `${inFlight} messages were read and not taken`);
  });

  it("is read no further when its reader has gone", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 10 * EXPORT_PAGE);
    const pages = watchPages(im);
    const stream = await streamOf(writer);
    for await (const chunk of stream) if (String(chunk).includes('"seq":1,')) break;
    assert.ok(stream.destroyed);
    for (let round = 0; round < 3; round++) await writer.user.rest.get("/users/me");
    assert.ok(pages.asked <= 2, `${pages.asked} pages`);
  });
});

describe("a download of an export", () => {
  /** Asks for one, and gives what the server has of the connection too. */
  async function download({ im, user }: Writer) {
    const { server } = (im.broker.getLocalService("api") as unknown as HttpVars).http as unknown as { server: Server };
    const connected = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const headers = { Authorization: `Bearer ${user.token}` };
    const request = get(`${im.url}${API_PREFIX}/users/me/export`, { agent: false, headers });
    const answer = new Promise<string>((resolve, reject) => {
      request.on("error", reject);
      request.on("response", (response) => {
        response.setEncoding("utf8");
        response.on("error", reject);
        response.toArray().then((chunks) => resolve(chunks.join("")), reject);
      });
    });
    answer.catch(() => undefined); // looked at later
    return { request, answer, socket: await connected };
  }

  it("that breaks off ends the reading", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 10 * EXPORT_PAGE);
    const pages = watchPages(im, 3);
    const { request, answer, socket } = await download(writer);
    await waitFor(() => pages.asked === 3, "the third page is read");
    request.destroy();
    await assert.rejects(answer);
    await waitFor(() => socket.destroyed, "the server knows");
    pages.release();
    await waitFor(() => pages.rows === 3 * EXPORT_PAGE, "the third page is there");
    for (let round = 0; round < 3; round++) await writer.user.rest.get("/users/me");
    assert.equal(pages.asked, 3);
  });

  it("breaks off, rather than to look whole, when a page cannot be read", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 3 * EXPORT_PAGE);
    let asked = 0;
    const restore = intercept(im.broker, "message.exportOf", async (proceed) => {
      if (++asked === 3) throw new Error("the database is away");
      return proceed();
    });
    await assert.rejects((await download(writer)).answer, { code: "ECONNRESET" });
    restore();
    const again = JSON.parse(await (await download(writer)).answer) as { data: Exported };
    assert.deepEqual(seqsOf(again.data), upTo(3 * EXPORT_PAGE));
  });

  it("breaks off when the session of who asked for it ends", async () => {
    await using im = await startIm();
    const writer = await buildWriter(im, 10 * EXPORT_PAGE);
    const pages = watchPages(im, 3);
    const { answer } = await download(writer);
    await waitFor(() => pages.asked === 3, "the third page is read");
    await writer.user.rest.post("/auth/logout", {});
    pages.release();
    await assert.rejects(answer, { code: "ECONNRESET" });
    assert.equal(pages.asked, 3);
  });
});

it("an export crosses nodes as it is", async () => {
  const broker = { namespace: `export-${newId()}`, transporter: "Fake" as const };
  const total = 2 * EXPORT_PAGE + 1;
  const page = ({ after, limit }: { after?: { seq: number }; limit: number }) => {
    const from = after?.seq ?? 0;
    return upTo(Math.min(limit, total - from)).map((n) => ({ conversationId: "g_1", seq: from + n, text: "文😀\ud800" }));
  };
  const others = [
    standIn("friend", { exportOf: () => ({}) }),
    standIn("group", { exportOf: () => ({}) }),
    standIn("conversation", { exportOf: () => ({}) }),
    standIn("notification", { exportOf: () => [] }),
    standIn("scheduler", { exportOf: () => [] }),
    standIn("message", { exportOf: page as never, exportFavorites: () => [] }),
  ];
  await using far = await createAccountNode(others, { broker });
  await using near = await createNode([], { broker });
  const { username } = await buildAccount(far);
  const { caller } = await signIn(far, username);
  await near.broker.waitForServices(["user"]);
  const exported = (await near.as(caller, "user.exportMe", {})) as unknown as { messages: { seq: number; text: string }[] };
  assert.deepEqual(
    exported.messages.map(({ seq }) => seq),
    upTo(total),
  );
  assert.ok(exported.messages.every(({ text }) => text === "文😀\ud800"));
});
