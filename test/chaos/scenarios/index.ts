import { embeddedScenarios } from "./embedded.ts";
import { logScenarios } from "./log.ts";
import { nodeScenarios } from "./nodes.ts";
import type { Scenario } from "./scenario.ts";
import { serverScenarios } from "./servers.ts";
import { slowReader } from "./slow-reader.ts";

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  ...embeddedScenarios,
  { name: "calm", on: "cluster", faults: async () => undefined },
  ...serverScenarios,
  ...nodeScenarios,
  ...logScenarios,
  slowReader("cluster"),
];
