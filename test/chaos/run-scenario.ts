import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../support/wait.ts";
import { violationsOf } from "./checkers/index.ts";
import type { Environment } from "./environments/environment.ts";
import { readStored, type FinalState, type Violation } from "./final-state.ts";
import { History } from "./history.ts";
import { Bystanders } from "./load/bystanders.ts";
import { A_BIT_OF_ALL, type Pace } from "./load/client.ts";
import { Load, readHistories, readLists } from "./load/load.ts";
import { healed, Monitor } from "./monitor.ts";
import { resultOf, type Result } from "./result.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import type { Stage } from "./stage.ts";
import { buildWorld } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  readonly people: number;
  readonly pace: Pace;
  readonly outageMs: number;
}
export const FULL: Omit<RunOptions, "seed"> = {
  people: 12,
  pace: { pauseMs: [200, 700], lanes: 1, mix: A_BIT_OF_ALL },
  outageMs: 8_000,
};
export const SHORT: Omit<RunOptions, "seed"> = { ...FULL, people: 8, outageMs: 5_000 };

/** Everybody knows everybody before anything goes wrong. */
const WARM_UP_MS = 60_000;
const CALM_MS = 2_000;
const HEAL_MS = 60_000;
const QUIET_MS = 30_000;
/** As long as that, what cannot be read now is read again. */
const READ_MS = 90_000;
/** Longer than cursors that are written behind, and their coming from another node, take. */
const STILL_MS = 2_500;

export interface Run {
  readonly result: Result;
  readonly history: History;
  /** Null when it could not be read. */
  readonly state: FinalState | null;
}
interface Outcome {
  healMs: number | null;
  violations: Violation[];
  state: FinalState | null;
}

/** Runs a scenario under load and checks every invariant afterwards. Never rejects: what went wrong stands in the result. */
export async function runScenario(scenario: Scenario, env: Environment, options: RunOptions): Promise<Run> {
  const startedAt = performance.now();
  const history = new History({ compensatorPeriodMs: env.compensatorPeriodMs });
  const problems: string[] = [];
  const outcome: Outcome = { healMs: null, violations: [], state: null };
  try {
    await live(scenario, env, options, history, problems, outcome);
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const { name, on } = scenario;
  const durationMs = Math.round(performance.now() - startedAt);
  const { healMs, violations, state } = outcome;
  const told = { healMs, violations, scenario: name, environment: on, seed: options.seed, durationMs, problems };
  return { result: resultOf(history, told), history, state };
}

async function live(
  scenario: Scenario,
  env: Environment,
  { seed, people, pace, outageMs }: RunOptions,
  history: History,
  problems: string[],
  outcome: Outcome,
): Promise<void> {
  const { gateways } = env;
  const world = await buildWorld(gateways[0], people);
  await using load = new Load({ history, gateways, people: world.people, conversations: world.conversations, pace, seed });
  const group = world.conversations.at(-1)!;
  const bystanders = new Bystanders({ ...world, history, gateways, group });
  const stage: Stage = { env, history, world, load, bystanders, outageMs, problems };
  await warmUp(stage);
  const startedAt = performance.now();
  const monitor = new Monitor(env, history);
  try {
    load.start();
    bystanders.start();
    await delay(CALM_MS);
    await Promise.all([scenario.faults(stage), delay(outageMs / 2).then(() => bystanders.change())]);
    outcome.healMs = await healed(stage, HEAL_MS);
    await delay(Math.max(0, startedAt + 2 * env.compensatorPeriodMs + CALM_MS - performance.now()));
    await load.finish();
  } finally {
    await bystanders.stop();
    await monitor.stop();
  }
  await check(stage, outcome);
  if (!scenario.after) return;
  await scenario.after(stage);
  await check(stage, outcome);
}

/** A first message of everybody in everything; what was made a moment ago may be unknown at another node still. */
async function warmUp({ load, world }: Stage): Promise<void> {
  await Promise.all(
    load.clients.flatMap((client) =>
      world.conversations
        .filter(({ of }) => of.some(({ userId }) => userId === client.device.userId))
        .map(({ conversationId }, at) => {
          const key = `${client.device.name}-hello-${at}`;
          const isSent = async (): Promise<boolean> => {
            await client.connected();
            return (await client.device.send(conversationId, key, "hello")).code === 0;
          };
          return waitFor(isSent, `a first message of ${client.device.name} in ${conversationId}`, WARM_UP_MS);
        }),
    ),
  );
}

async function check(stage: Stage, outcome: Outcome): Promise<void> {
  outcome.state = await readFinalState(stage);
  outcome.violations.push(...violationsOf(stage.history, outcome.state));
}

/** Whether none is shown before it is written, or behind what is; one that never arrives a checker will name. */
function haveCursorsArrived({ members, lists }: FinalState): boolean {
  const rows = new Map(members.map(({ userId, conversationId, readSeq }) => [`${userId} ${conversationId}`, readSeq]));
  return lists.every(({ userId, conversations }) =>
    conversations.every(({ conversationId, readSeq }) => (rows.get(`${userId} ${conversationId}`) ?? readSeq) === readSeq),
  );
}

/** Everything as it stands when it stands still. @throws when it does not come to rest */
async function readFinalState({ env, load, world }: Stage): Promise<FinalState> {
  const isQuiet = async (): Promise<boolean> => {
    const pipeline = await env.pipeline.read([]).catch(() => null); // what it asks does not answer now
    return pipeline !== null && pipeline.pending === 0 && pipeline.lag === 0;
  };
  // What is not quiet then, a checker will name.
  await waitFor(isQuiet, "nothing to be pending", QUIET_MS).catch(() => undefined);
  const sql = await env.sql();
  const ids = world.conversations.map(({ conversationId }) => conversationId);
  const end = performance.now() + READ_MS;
  for (;;) {
    const state = await whatStandsStill().catch((error: unknown) => {
      if (performance.now() > end) throw error;
      return null; // a busy machine answers the next time
    });
    const isOver = performance.now() > end;
    if (state && (isOver || haveCursorsArrived(state))) return state;
    if (isOver) throw new Error("the database goes on changing");
  }

  /** Null when something changed meanwhile. */
  async function whatStandsStill(): Promise<FinalState | null> {
    const before = await readStored(sql, ids);
    await delay(STILL_MS);
    const followed = await load.followed();
    const [histories, lists] = [await readHistories(load, world.conversations), await readLists(load)];
    const pipeline = await env.pipeline.read(before.messages);
    const after = await readStored(sql, ids);
    return JSON.stringify(after) === JSON.stringify(before) ? { ...after, histories, lists, followed, pipeline } : null;
  }
}
