import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { NodeSpec } from "../../../scripts/cluster/roles.ts";
import { waitFor } from "../../support/wait.ts";
import { outage, type Stage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";
import { serversOf } from "./servers.ts";

const on = "cluster";
/** A supervisor needs a moment to notice. */
const SUPERVISOR_MS = 2_000;
const COMMIT_MS = 15_000;
/** Longer than the lease of a compensator. */
const LEASE_MS = 14_000;

const preload = (file: string): string[] => ["--import", join(import.meta.dirname, "../preload", file)];
const changed =
  (name: string, change: Partial<NodeSpec>) =>
  (nodes: readonly NodeSpec[]): NodeSpec[] =>
    nodes.map((node) => (node.name === name ? { ...node, ...change } : node));

/** Ends a node, which a supervisor starts again. */
export async function endAndStart(stage: Stage, name: string, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const node = stage.env.node(name);
  await outage(stage, {
    name: `${name} is ${signal === "SIGKILL" ? "killed" : "stopped"}`,
    // There is no other that would write what is in the log.
    stopsPersisting: node.spec.role === "persister",
    lastsMs: SUPERVISOR_MS,
    async begin() {
      const ended = await node.end(signal);
      if (signal === "SIGTERM" && ended !== 0) stage.problems.push(`told to stop, ${name} ended with ${ended}`);
    },
    end: () => node.start(),
    back: () => node.ready(),
  });
}

const ended = (name: string, signal: "SIGKILL" | "SIGTERM", more: Partial<Scenario> = {}): Scenario => ({
  name: `${name.split("-")[0]} ${signal === "SIGKILL" ? "killed" : "stopped"}`,
  on,
  faults: (stage) => endAndStart(stage, name, signal),
  ...more,
});

const rollingRestart: Scenario = {
  name: "rolling restart",
  on,
  isShort: true,
  async faults(stage) {
    for (const { name } of stage.env.nodes) await endAndStart(stage, name, "SIGTERM");
  },
};

const killedBeforeOffsets: Scenario = {
  name: "persister killed between commit and offsets",
  on,
  nodes: changed("persister-1", { nodeFlags: preload("die-before-offsets.ts") }),
  async faults(stage) {
    const node = stage.env.node("persister-1");
    for (let i = 0; i < 2; i++) {
      await outage(stage, {
        name: "persister-1 is killed between commit and offsets",
        stopsPersisting: true,
        lastsMs: SUPERVISOR_MS,
        async begin() {
          node.signal("SIGUSR2");
          await waitFor(() => !node.isRunning(), "the persister to commit a batch", COMMIT_MS);
        },
        end: () => node.start(),
        back: () => node.ready(),
      });
    }
  },
};

const clockBack: Scenario = {
  name: "clock stepped back",
  on,
  nodes: changed("core-1", { nodeFlags: preload("clock.ts"), env: { CHAOS_CLOCK_STEPS: "-1500,0,-60000,0" } }),
  async faults(stage) {
    const node = stage.env.node("core-1");
    const step = (): void => void node.signal("SIGUSR2");
    // What it accepts looks older than it is, so that ages say nothing.
    for (const name of ["the clock of core-1 is 1.5 s back", "the clock of core-1 is 60 s back"])
      await outage(stage, { name, stopsPersisting: true, begin: step, end: step });
  },
};

const twoCompensators: Scenario = {
  name: "two compensators",
  on,
  nodes: (nodes) => [...nodes, { name: "compensator-2", role: "compensator" }],
  async faults(stage) {
    const { kafka } = serversOf(stage);
    const freeze = (name: string): Promise<void> =>
      outage(stage, {
        name: `${name} is frozen`,
        lastsMs: LEASE_MS,
        begin: () => void stage.env.node(name).signal("SIGSTOP"),
        end: () => void stage.env.node(name).signal("SIGCONT"),
      });
    // Messages get stuck, which one of the two, whoever leads, is to drive while the other sleeps.
    const stuck = outage(stage, {
      name: "kafka is frozen",
      stopsSending: true,
      stopsPersisting: true,
      begin: () => kafka.freeze(),
      end: () => kafka.thaw(),
    });
    await Promise.all([stuck, freeze("compensator-1")]);
    await delay(stage.outageMs);
    await freeze("compensator-2");
  },
};

export const nodeScenarios: readonly Scenario[] = [
  ended("core-1", "SIGKILL", { isShort: true }),
  ended("core-1", "SIGTERM"),
  ended("gateway-1", "SIGKILL"),
  ended("gateway-1", "SIGTERM"),
  ended("persister-1", "SIGKILL"),
  ended("persister-1", "SIGTERM"),
  ended("compensator-1", "SIGKILL"),
  ended("compensator-1", "SIGTERM"),
  rollingRestart,
  killedBeforeOffsets,
  clockBack,
  twoCompensators,
];
