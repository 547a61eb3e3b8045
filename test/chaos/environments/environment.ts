import type { Database } from "../../../mixins/database/port.ts";
import type { NodeProcess } from "../../../scripts/cluster/node-process.ts";
import type { PipelineReader } from "../pipeline.ts";
import type { FaultyServers } from "./servers.ts";

export type EnvironmentName = "embedded" | "cluster";

/** The running product, with what a scenario may do to it. */
export interface Environment extends AsyncDisposable {
  readonly name: EnvironmentName;
  /** URLs that clients use. */
  readonly gateways: readonly [string, ...string[]];
  readonly nodes: readonly NodeProcess[];
  /** What the nodes stand on; null in the embedded profile. */
  readonly servers: FaultyServers | null;
  readonly compensatorPeriodMs: number;
  readonly pipeline: PipelineReader;
  /** The nodes' database. */
  sql(): Promise<Database>;
  /** Gives dead letters another chance. @throws when it cannot */
  redrive(): Promise<void>;
  /** @throws when there is none */
  node(name: string): NodeProcess;
}

/** How often the compensator looks, and how old a message is then at least. */
export interface Compensation {
  readonly afterMs: number;
  readonly everyMs: number;
}
export const PRODUCT_COMPENSATION: Compensation = { afterMs: 5_000, everyMs: 2_000 };
/**
 * For runs that have little time. Two periods of it are longer than the 6 s for which a group of Kafka waits for a member that died
 * with the broker: until then nobody persists, however well all is.
 */
export const QUICK_COMPENSATION: Compensation = { afterMs: 4_000, everyMs: 1_000 };

export const periodOf = ({ afterMs, everyMs }: Compensation): number => afterMs + everyMs;

/** Settings of every node of an environment. */
export function nodeSettings({ afterMs, everyMs }: Compensation): Readonly<Record<string, string>> {
  return {
    IM_RATE_LIMITS: "off",
    IM_LOG_LEVEL: "warn",
    IM_COMPENSATE_AFTER_MS: String(afterMs),
    IM_COMPENSATE_EVERY_MS: String(everyMs),
  };
}

/** @throws when there is none of that name */
export function nodeNamed(nodes: readonly NodeProcess[], name: string): NodeProcess {
  const node = nodes.find((one) => one.name === name);
  if (!node) throw new Error(`There is no node ${name}, but ${nodes.map((one) => one.name).join(", ")}`);
  return node;
}
