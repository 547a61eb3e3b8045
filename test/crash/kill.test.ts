import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { openSqlite } from "../../mixins/database/sqlite.ts";
import { readPages } from "../chaos/device.ts";
import { assertHolds } from "../chaos/checkers/index.ts";
import { readStored, type FinalState } from "../chaos/final-state.ts";
import { api, dataOf } from "../support/client.ts";
import { silent } from "../support/database.ts";
import { temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";
import { buildCrew, Load, signIn, type Crew } from "./crew.ts";
import { Product } from "./product.ts";

const KILLS = 6;
const ANSWERS_MS = 30_000;

/** Everything as clients read it, while the server runs. */
function readHistories({ members }: Crew): Promise<FinalState["histories"]> {
  return Promise.all(
    members.flatMap(({ userId, device, conversationIds }) =>
      conversationIds.map(async (conversationId) => {
        const { pages } = await readPages(device.rest, conversationId, "up", 100);
        return { userId, conversationId, items: pages.flatMap(({ items }) => items) };
      }),
    ),
  );
}

/** Everything as it stands in the file, when no server has it open. */
async function readFile(dataDir: string, { conversationIds }: Crew): Promise<Pick<FinalState, "messages" | "members">> {
  const sql = await openSqlite({ file: join(dataDir, "im.sqlite"), logger: silent });
  try {
    return await readStored(sql, conversationIds);
  } finally {
    await sql.close();
  }
}

test("a server killed under load again and again loses, repeats and reorders nothing", { timeout: 240_000 }, async () => {
  await using folder = await temporaryFolder();
  await using product = await Product.start(folder.path);
  const crew = await buildCrew(product.url);
  const { accessToken: ended } = await signIn(product.url, "anna");
  await dataOf(api(product.url, ended).post("/auth/logout", {}));

  await using load = new Load(crew);
  const someAnswers = async (): Promise<void> => {
    const enough = load.answered + randomInt(20, 500);
    await waitFor(() => load.answered >= enough, `${enough} answers`, ANSWERS_MS);
  };
  for (let kill = 0; kill < KILLS; kill++) {
    await someAnswers();
    assert.equal(await product.end("SIGKILL"), "SIGKILL");
    await product.startAgain();
  }
  await someAnswers();
  assert.equal(await product.end("SIGTERM"), 0, "told to stop under load, it ends in order");
  await product.startAgain();
  await someAnswers();
  await load.finish();

  const histories = await readHistories(crew);
  await assertSessionsLast(product.url, crew, ended);
  assert.equal(await product.end("SIGTERM"), 0);
  assertHolds(crew.history, { ...(await readFile(folder.path, crew)), histories, lists: [] });
});

/** The tokens of before the first kill are good, and the one that was ended is not. */
async function assertSessionsLast(url: string, { members }: Crew, ended: string): Promise<void> {
  for (const { accessToken, refreshToken, userId } of members) {
    const me = await dataOf(api(url, accessToken).get<{ userId: string }>("/users/me"));
    assert.equal(me.userId, userId);
    const renewed = await dataOf(api(url).post<{ accessToken: string }>("/auth/refresh", { refreshToken }));
    assert.equal((await api(url, renewed.accessToken).get("/users/me")).code, 0);
  }
  const { status, code } = await api(url, ended).get("/users/me");
  assert.deepEqual([status, code], [401, 1004]);
}
