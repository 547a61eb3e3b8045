import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { assertHolds } from "../chaos/checkers/index.ts";
import { startEmbedded } from "../chaos/environments/embedded.ts";
import { PRODUCT_COMPENSATION } from "../chaos/environments/environment.ts";
import { readStored } from "../chaos/final-state.ts";
import { History } from "../chaos/history.ts";
import { SENDS_AND_READS } from "../chaos/load/client.ts";
import { Load, readHistories } from "../chaos/load/load.ts";
import { befriend, buildGroup, signIn, signUp, type Account, type PeopleConversation } from "../chaos/people.ts";
import { api, dataOf } from "../support/client.ts";
import { temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

const KILLS = 6;
const ANSWERS_MS = 30_000;
/** So many messages of everybody are under way at once in each conversation, one right after the other. */
const HARD = { pauseMs: [0, 1], lanes: 2, mix: SENDS_AND_READS } as const;

/** Four people; four direct conversations, and a group of all. Everything is made as any client would. */
async function buildCrew(url: string): Promise<{ people: Account[]; conversations: PeopleConversation[] }> {
  const people: Account[] = [];
  for (const username of ["anna", "ben", "carla", "dora"]) people.push(await signUp(url, username));
  const conversations: PeopleConversation[] = [];
  for (const [a, b] of [
    [0, 1],
    [2, 3],
    [0, 2],
    [0, 3],
  ] as const)
    conversations.push(await befriend(url, people[a]!, people[b]!));
  return { people, conversations: [...conversations, await buildGroup(url, people)] };
}

test("a server killed under load again and again loses, repeats and reorders nothing", { timeout: 240_000 }, async () => {
  await using folder = await temporaryFolder();
  await using env = await startEmbedded({ dir: folder.path, compensation: PRODUCT_COMPENSATION });
  const [server, [url]] = [env.node("server"), env.gateways];
  const history = new History({ compensatorPeriodMs: env.compensatorPeriodMs });
  const { people, conversations } = await buildCrew(url);
  const { accessToken: ended } = await signIn(url, "anna");
  await dataOf(api(url, ended).post("/auth/logout", {}));

  await using load = new Load({ history, gateways: env.gateways, people, conversations, pace: HARD, seed: randomInt(2 ** 31) });
  const someAnswers = async (): Promise<void> => {
    const enough = load.answered + randomInt(20, 500);
    await waitFor(() => load.answered >= enough, `${enough} answers`, ANSWERS_MS);
  };
  const endAndStart = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | string | null> => {
    const result = await server.end(signal);
    const fault = history.fault("the server is away", { stopsSending: true, stopsPersisting: true });
    server.start();
    fault.end();
    await server.ready();
    fault.repaired();
    return result;
  };
  load.start();
  for (let kill = 0; kill < KILLS; kill++) {
    await someAnswers();
    assert.equal(await endAndStart("SIGKILL"), "SIGKILL");
  }
  await someAnswers();
  assert.equal(await endAndStart("SIGTERM"), 0, "told to stop under load, it ends in order");
  await someAnswers();
  await load.finish();

  const followed = await load.followed();
  const histories = await readHistories(load, conversations);
  await assertSessionsLast(url, people, ended);
  const pipeline = await env.pipeline.read([]);
  assert.equal(await server.end("SIGTERM"), 0);
  const ids = conversations.map(({ conversationId }) => conversationId);
  assertHolds(history, { ...(await readStored(await env.sql(), ids)), histories, lists: [], followed, pipeline });
});

/** The tokens of before the first kill are good, and the one that was ended is not. */
async function assertSessionsLast(url: string, people: readonly Account[], ended: string): Promise<void> {
  for (const { accessToken, refreshToken, userId } of people) {
    const me = await dataOf(api(url, accessToken).get<{ userId: string }>("/users/me"));
    assert.equal(me.userId, userId);
    const renewed = await dataOf(api(url).post<{ accessToken: string }>("/auth/refresh", { refreshToken }));
    assert.equal((await api(url, renewed.accessToken).get("/users/me")).code, 0);
  }
  const { status, code } = await api(url, ended).get("/users/me");
  assert.deepEqual([status, code], [401, 1004]);
}
