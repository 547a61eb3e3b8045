import assert from "node:assert/strict";
import { test } from "node:test";
import { errorTable } from "../../contracts/errors.ts";
import { contractOf, type ActionName } from "../../contracts/index.ts";
import { routes } from "../../contracts/routes.ts";
import { tokenKeys } from "../../lib/token-keys.ts";
import { signAccessToken } from "../../lib/tokens.ts";
import { checkOf } from "../../lib/validation.ts";
import type { Ack, Client } from "../support/client.ts";
import { startIm, type Im, type TestUser } from "../support/im.ts";
import { askRoute, readPublished, type PublishedRoute } from "../support/published.ts";
import { buildScene, roles, unknownNames, type Names, type Role, type Scene } from "../support/scene.ts";
import { assertUnchanged, dumpTables, sendersSettled } from "../support/tables.ts";
import { restMatrix, socketMatrix, type Entry, type Outcome } from "./authorization-matrix.ts";

/** What of an answer a client could learn from; requests of two people differ in nothing else. */
interface Told {
  readonly status: number;
  readonly code: number;
  readonly message: string | undefined;
  readonly data: unknown;
}

const paramsOf = ({ params }: Entry, names: Names): Record<string, unknown> => ({ ...params?.(names) });
/** Whether the answer must be the one for something that is not there. Who was in the group knows that there is one. */
const tellsNothing = (role: Role, outcome: Outcome): boolean =>
  ["outsider", "guest"].includes(role) &&
  (outcome === "CANNOT_MESSAGE" || (outcome !== "ok" && errorTable[outcome].status === 404));

async function askAs(im: Im, who: TestUser | null, route: PublishedRoute, params: Record<string, unknown>): Promise<Told> {
  const { status, code, message, data } = await askRoute(who?.rest ?? im.api(), route, params);
  return { status, code, message, data };
}

function assertOutcome(told: Omit<Told, "status">, outcome: Outcome, action: string, cell: string): void {
  const expected = outcome === "ok" ? 0 : errorTable[outcome].code;
  assert.equal(told.code, expected, `${cell}: ${JSON.stringify(told)}`);
  const result = contractOf(action)?.result;
  if (outcome === "ok" && result) assert.equal(checkOf(result)(told.data), true, cell);
}

const isReading = ({ method }: PublishedRoute): boolean => method === "GET";

/** The scene of a cell. Whoever is refused, or only reads, is so in the one that nothing changes; null is that one. */
function sceneOf(key: string, role: Role, { outcomes, isOnce = false }: Entry, changesNothing = false): string | null {
  if (changesNothing || outcomes[role] !== "ok") return null;
  return isOnce ? `${key} ${role}` : key;
}

test("every published route and event has its entry, and every entry is published", async () => {
  await using im = await startIm();
  const { routes: published, events } = await readPublished(im);
  assert.deepEqual(Object.keys(restMatrix).sort(), published.map(({ key }) => key).sort());
  assert.deepEqual(Object.keys(socketMatrix).sort(), events.map(({ name }) => name).sort());
});

test("without a good token no route but the open ones does anything", async () => {
  await using im = await startIm();
  const { people, names } = await buildScene(im);
  const { routes: published } = await readPublished(im);
  const ended = await people.owner.signIn();
  await im.node.as(people.owner.userId, "auth.endDevice", { deviceId: await deviceOf(ended) });
  await sendersSettled(im.sql);
  const before = await dumpTables(im.sql);
  const tokens: Record<string, [string | undefined, Outcome]> = {
    nobody: [undefined, "UNAUTHENTICATED"],
    garbage: ["garbage", "UNAUTHENTICATED"],
    expired: [expiredToken(im, people.owner), "TOKEN_EXPIRED"],
    ended: [ended.token, "SESSION_ENDED"],
  };
  for (const route of published.filter(({ isOpen }) => !isOpen)) {
    for (const [who, [token, outcome]] of Object.entries(tokens)) {
      const answer = await askRoute(im.api(token), route, paramsOf(restMatrix[route.key] as Entry, names));
      assert.deepEqual([answer.status, answer.data], [401, null], `${route.key} by ${who}`);
      assertOutcome(answer, outcome, route.action, `${route.key} by ${who}`);
    }
  }
  await assertUnchanged(im.sql, before);
});

test("each role gets from each route what the matrix says; who is refused learns and changes nothing", async () => {
  await using stage = await openStage();
  for (const route of (await readPublished(stage)).routes) {
    const entry = restMatrix[route.key] as Entry;
    for (const role of roles) {
      const outcome = entry.outcomes[role];
      const cell = `${route.key} by ${role}`;
      await stage.play(sceneOf(route.key, role, entry, isReading(route)), async (im, { people, names }) => {
        const ask = (of: Names): Promise<Told> => askAs(im, people[role], route, paramsOf(entry, of));
        const told = await ask(names);
        assert.equal(told.status, statusOf(route, outcome), `${cell}: ${JSON.stringify(told)}`);
        assertOutcome(told, outcome, route.action, cell);
        if (tellsNothing(role, outcome))
          assert.deepEqual(await ask(unknownNames), told, `${cell} of something that is not there`);
      });
    }
  }
});

test("each role gets from each event what the matrix says; who is refused learns and changes nothing", async () => {
  await using stage = await openStage();
  for (const { name } of (await readPublished(stage)).events) {
    const entry = socketMatrix[name] as Entry;
    for (const role of roles) {
      const outcome = entry.outcomes[role];
      const cell = `${name} by ${role}`;
      await stage.play(sceneOf(name, role, entry), async (im, { people, names }) => {
        await using client = await im.connect({ token: people[role].token });
        const send = (of: Names): Promise<Ack> => client.send(name, paramsOf(entry, of));
        const { code, message, data } = await send(names);
        assertOutcome({ code, message, data }, outcome, actionOf(name), cell);
        if (tellsNothing(role, outcome)) assert.deepEqual(await send(unknownNames), { code, message }, cell);
      });
    }
  }
});

test("what two people say to each other is not there for anybody else", async () => {
  await using im = await startIm();
  const { people, names } = await buildScene(im);
  await sendersSettled(im.sql);
  const { routes: published, events } = await readPublished(im);
  const direct = { ...names, conversationId: names.directId, messageId: names.directMessageId };
  const nothing = { ...unknownNames, conversationId: unknownNames.directId };
  const before = await dumpTables(im.sql);
  for (const role of ["outsider", "guest", "removed", "admin"] as const) {
    for (const route of published.filter(({ action }) => /^(message|conversation|scheduler)\./.test(action))) {
      const entry = restMatrix[route.key] as Entry;
      if (!takesConversation(entry)) continue;
      const told = await askAs(im, people[role], route, paramsOf(entry, direct));
      assert.equal(told.status, 404, `${route.key} by ${role}: ${JSON.stringify(told)}`);
      assert.deepEqual(await askAs(im, people[role], route, paramsOf(entry, nothing)), told, route.key);
    }
    await using client: Client = await im.connect({ token: people[role].token });
    for (const { name } of events) {
      const entry = socketMatrix[name] as Entry;
      if (!takesConversation(entry)) continue;
      const answer = await client.send(name, paramsOf(entry, direct));
      assert.ok([errorTable.CONVERSATION_NOT_FOUND.code, errorTable.MESSAGE_NOT_FOUND.code].some((code) => code === answer.code));
      assert.deepEqual(await client.send(name, paramsOf(entry, nothing)), answer, name);
    }
  }
  await assertUnchanged(im.sql, before);
});

test("whoever was removed reads up to their leaving and nothing later", async () => {
  await using im = await startIm();
  const { people, names } = await buildScene(im);
  const { removed } = people;
  const path = `/messages/conversations/${names.conversationId}/history?limit=100`;
  interface History {
    items: { messageId: string; content: { event?: string } }[];
    maxSeq: number;
  }
  const { data } = await removed.rest.get<History>(path);
  const ids = data.items.map(({ messageId }) => messageId);
  assert.ok(ids.includes(names.messageId) && !ids.includes(names.laterMessageId));
  assert.equal(data.items.at(-1)?.content.event, "member.removed");
  const { data: all } = await people.member.rest.get<History>(path);
  assert.ok(all.maxSeq > data.maxSeq);
  for (const position of [`afterSeq=${data.maxSeq}`, `aroundSeq=${all.maxSeq}`, `aroundTime=${Date.now()}`]) {
    const { data: page } = await removed.rest.get<History>(`${path}&${position}`);
    assert.ok(
      page.items.every(({ messageId }) => ids.includes(messageId)),
      position,
    );
  }
  await sendersSettled(im.sql);
  const before = await dumpTables(im.sql);
  const { routes: published } = await readPublished(im);
  for (const route of published.filter(({ inPath }) => "messageId" in inPath)) {
    const entry = restMatrix[route.key] as Entry;
    const told = await askAs(im, removed, route, paramsOf(entry, { ...names, messageId: names.laterMessageId }));
    assert.deepEqual(await askAs(im, removed, route, paramsOf(entry, unknownNames)), told, route.key);
    assert.equal(told.code, errorTable.MESSAGE_NOT_FOUND.code);
  }
  await assertUnchanged(im.sql, before);
});

interface Stage extends AsyncDisposable {
  readonly url: string;
  /** Runs `work` in the scene of this name, or in the one without a name, where it must change nothing. */
  play(name: string | null, work: (im: Im, scene: Scene) => Promise<void>): Promise<void>;
}

async function openStage(): Promise<Stage> {
  const [quiet, busy] = [await startIm(), await startIm()];
  const shared = await buildScene(quiet);
  await sendersSettled(quiet.sql);
  const before = await dumpTables(quiet.sql);
  const scenes = new Map<string, Scene>();
  return {
    url: quiet.url,
    async play(name, work) {
      if (name === null) {
        await work(quiet, shared);
        return assertUnchanged(quiet.sql, before);
      }
      const scene = scenes.get(name) ?? (await buildScene(busy));
      scenes.set(name, scene);
      return work(busy, scene);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([quiet.stop(), busy.stop()]);
    },
  };
}

function statusOf({ action }: PublishedRoute, outcome: Outcome): number {
  return outcome === "ok" ? (routes.find((route) => route.action === action)?.status ?? 200) : errorTable[outcome].status;
}

/** Whether an entry's params change with the conversation or the message. */
function takesConversation(entry: Entry): boolean {
  const { conversationId, messageId } = paramsOf(entry, { ...unknownNames, conversationId: "here", messageId: "here" });
  return conversationId === "here" || messageId === "here";
}

const actionOf = (event: string): ActionName | "" =>
  (
    ({
      "message:send": "message.send",
      "message:recall": "message.recall",
      "message:edit": "message.edit",
      "presence:subscribe": "presence.subscribe",
    }) as const
  )[event as "message:send"] ?? "";

async function deviceOf({ rest }: TestUser): Promise<string> {
  const { data } = await rest.get<{ items: { deviceId: string; current: boolean }[] }>("/users/me/devices");
  return data.items.find(({ current }) => current)?.deviceId ?? "";
}

function expiredToken(im: Im, { userId }: TestUser): string {
  const { jwtSecret, jwtPreviousSecret } = im.node.config;
  const claims = { userId, sessionId: "1", deviceId: "test", deviceType: "web", expiresAt: Date.now() - 1_000 } as const;
  return signAccessToken(tokenKeys(jwtSecret, jwtPreviousSecret), claims, Date.now() - 10_000);
}
