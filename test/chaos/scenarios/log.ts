import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { refuseText } from "../../support/faults.ts";
import { waitFor } from "../../support/wait.ts";
import { readStored } from "../final-state.ts";
import { Echo, poisonLog, rewindPersisters } from "../kafka.ts";
import { outage, type Stage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";
import { serversOf } from "./servers.ts";

const on = "cluster";
const WORD = "toadstool";
const POISONED = 5;
const CATCH_UP_MS = 90_000;
/** Nothing waits that came before. */
const FRESH_MS = 1_000;

const deliveredTwice: Scenario = {
  name: "everything delivered twice",
  on,
  isShort: true,
  async faults(stage) {
    const echo = new Echo(serversOf(stage).kafka.url);
    await outage(stage, { name: "everything is delivered twice", begin: () => echo.start(), end: () => echo.stop() });
    if (echo.count === 0) stage.problems.push("nothing was delivered twice");
  },
};

/** The persister, which is stopped for it, begins with the first record of the log. */
async function replay(stage: Stage): Promise<void> {
  const persister = stage.env.node("persister-1");
  await outage(stage, {
    name: "the topics are replayed from 0",
    stopsPersisting: true,
    lastsMs: 0,
    begin: () => persister.end("SIGTERM"),
    async end() {
      await rewindPersisters(serversOf(stage).kafka.url);
      persister.start();
      await persister.ready();
      // What is new waits behind all that comes again.
      const isThrough = async (): Promise<boolean> => {
        const { oldestAgeMs } = await stage.env.pipeline.sample();
        return oldestAgeMs === null || oldestAgeMs < FRESH_MS;
      };
      await waitFor(isThrough, "the persister to have read the whole log again", CATCH_UP_MS);
    },
  });
}

async function digest({ env, world }: Stage): Promise<string> {
  const ids = world.conversations.map(({ conversationId }) => conversationId);
  return createHash("sha256")
    .update(JSON.stringify(await readStored(await env.sql(), ids)))
    .digest("hex");
}

const replayed: Scenario = {
  name: "topic replayed from 0",
  on,
  faults: replay,
  async after(stage) {
    const before = await digest(stage);
    await replay(stage);
    const isThrough = async (): Promise<boolean> => (await stage.env.pipeline.read([])).lag === 0;
    await waitFor(isThrough, "the persister to have read the whole log again", CATCH_UP_MS);
    if ((await digest(stage)) !== before) stage.problems.push("a replay from 0 changed what is in the database");
  },
};

/** Somebody sends what the database will refuse, for good. */
async function sendPoison({ history, load, world, env }: Stage): Promise<void> {
  for (let i = 0; i < POISONED; i++) {
    const { device } = load.clients[i % load.clients.length]!;
    const { conversationId } = world.conversations.find(({ of }) => of.some(({ userId }) => userId === device.userId))!;
    const clientMsgId = `poison-${i}-${device.name}`;
    history.poison.add(clientMsgId);
    const { code } = await device.send(conversationId, clientMsgId, `a ${WORD} for ${clientMsgId}`);
    if (code !== 0 && env.name === "cluster") await delay(100);
  }
}

export function poisonScenario(where: Scenario["on"]): Scenario {
  let lift: (() => Promise<void>) | null = null;
  return {
    name: "poison record",
    on: where,
    async faults(stage) {
      lift = await refuseText(await stage.env.sql(), WORD);
      await outage(stage, {
        name: "records are poison",
        begin: async () => {
          await sendPoison(stage);
          if (stage.env.servers) await poisonLog(stage.env.servers.kafka.url, ["not json", "{}", `{"messageId":"1"}`, ""]);
        },
        end: () => undefined,
      });
    },
    async after(stage) {
      await lift?.();
      if (stage.env.name === "embedded") return;
      await stage.env.redrive();
      // Nothing excuses them any more.
      stage.history.poison.clear();
    },
  };
}

export const logScenarios: readonly Scenario[] = [deliveredTwice, replayed, poisonScenario(on)];
