import { outage, type Stage } from "../stage.ts";
import { poisonScenario } from "./log.ts";
import type { Scenario } from "./scenario.ts";
import { slowReader } from "./slow-reader.ts";

const on = "embedded";
/** A supervisor needs a moment to notice. */
const SUPERVISOR_MS = 1_000;

async function endAndStart(stage: Stage, signal: "SIGKILL" | "SIGTERM", name: string): Promise<void> {
  const server = stage.env.node("server");
  await outage(stage, {
    name,
    stopsSending: true,
    stopsPersisting: true,
    lastsMs: SUPERVISOR_MS,
    async begin() {
      const ended = await server.end(signal);
      if (signal === "SIGTERM" && ended !== 0) stage.problems.push(`told to stop, the server ended with ${ended}`);
    },
    end: () => server.start(),
    back: () => server.ready(),
  });
}

export const embeddedScenarios: readonly Scenario[] = [
  { name: "calm", on, faults: async () => undefined },
  {
    name: "server killed",
    on,
    isShort: true,
    async faults(stage) {
      for (let i = 0; i < 3; i++) await endAndStart(stage, "SIGKILL", "the server is killed");
    },
  },
  { name: "server stopped", on, faults: (stage) => endAndStart(stage, "SIGTERM", "the server is stopped") },
  {
    name: "server frozen",
    on,
    async faults(stage) {
      const server = stage.env.node("server");
      await outage(stage, {
        name: "the server is frozen",
        stopsSending: true,
        stopsPersisting: true,
        silences: stage.env.gateways,
        begin: () => void server.signal("SIGSTOP"),
        end: () => void server.signal("SIGCONT"),
      });
    },
  },
  poisonScenario(on),
  slowReader(on),
];
