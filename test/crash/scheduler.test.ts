import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import type { Message } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { openSqlite } from "../../mixins/database/sqlite.ts";
import { befriend, signUp, type Account } from "../chaos/people.ts";
import { api, dataOf } from "../support/client.ts";
import { text } from "../support/im.ts";
import { later } from "../support/scheduled.ts";
import { startServer, temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

const SCHEDULED = 80;
const BURNING = 10;
const KILLS = 4;

/** Makes all that waits due, while no server runs. */
async function comeDue(dataDir: string): Promise<void> {
  const logger = { warn: () => undefined, error: () => undefined };
  const sql = await openSqlite({ file: join(dataDir, "im.sqlite"), logger });
  const at = Date.now();
  assert.equal(await sql.execute("update scheduled_message set send_at = :at, due_at = :at", { at }), SCHEDULED);
  const burning = await sql.execute("update burn_timer set burns_at = :at, due_at = :at where burns_at is not null", { at });
  assert.equal(burning, BURNING);
  await sql.close();
}

test("what comes due while the server is killed again and again is sent once, and burns", { timeout: 180_000 }, async () => {
  await using folder = await temporaryFolder();
  const env = { IM_DATA_DIR: folder.path, IM_RATE_LIMITS: "off" };
  const running = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
    await using server = await startServer(env);
    return await work(server.url);
  };
  const { anna, ben, conversationId } = await running(async (url) => {
    const [anna, ben] = [await signUp(url, "anna"), await signUp(url, "ben")];
    const { conversationId } = await befriend(url, anna, ben);
    const mine = api(url, anna.accessToken);
    await waitFor(async () => (await mine.post("/messages", text(conversationId, "first"))).code === 0, "they are friends");
    for (let i = 0; i < BURNING; i++) {
      const burning = { ...text(conversationId, `burning ${i}`), burnAfterMs: 3_600_000 };
      await dataOf(mine.post("/messages", burning));
    }
    await dataOf(api(url, ben.accessToken).put(`/social/conversations/${conversationId}/read`, { seq: BURNING + 1 }));
    for (let i = 0; i < SCHEDULED; i++) await dataOf(mine.post("/messages/scheduled", later(conversationId, `scheduled ${i}`)));
    return { anna, ben, conversationId };
  });
  await comeDue(folder.path);

  const all = async (url: string, who: Account): Promise<Message[]> => {
    const path = `/messages/conversations/${conversationId}/history?limit=100`;
    const { items } = await dataOf(api(url, who.accessToken).get<Result<"message.history">>(path));
    return items.filter((item): item is Message => "messageId" in item);
  };
  for (let kill = 1; kill <= KILLS; kill++) {
    const enough = 1 + BURNING + Math.floor((kill * SCHEDULED) / (KILLS + 2));
    await running((url) => waitFor(async () => (await all(url, ben)).length >= enough, `${enough} messages`));
  }
  await running(async (url) => {
    const waiting = () => dataOf(api(url, anna.accessToken).get<Result<"scheduler.list">>("/messages/scheduled?limit=100"));
    await waitFor(async () => (await waiting()).items.length === 0, "all are sent", 15_000);
    await waitFor(async () => (await all(url, ben)).filter((one) => one.recalledAt).length === BURNING, "all have burnt");
    const messages = await all(url, ben);
    const words = messages.map(({ content }) => content["text"]);
    assert.deepEqual(
      words.filter((one) => String(one).startsWith("scheduled")).sort(),
      Array.from({ length: SCHEDULED }, (_, i) => `scheduled ${i}`).sort(),
    );
    assert.deepEqual(
      messages.map(({ seq }) => seq),
      messages.map((_, i) => i + 1),
    );
    assert.deepEqual(
      messages.filter(({ recalledAt }) => recalledAt).map(({ content, seq }) => [seq, content]),
      Array.from({ length: BURNING }, (_, i) => [i + 2, {}]),
    );
  });
});
