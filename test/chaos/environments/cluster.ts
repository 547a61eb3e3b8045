import { loadConfig } from "../../../config/env.ts";
import { SMALL_CLUSTER, startCluster, type NodeSpec } from "../../../scripts/cluster/index.ts";
import type { Servers } from "../../../scripts/servers/index.ts";
import { readerOfPorts, readMemory } from "../pipeline.ts";
import { nodeNamed, nodeSettings, periodOf, type Compensation, type Environment } from "./environment.ts";
import { startObserver } from "./observer.ts";
import { faultyServers } from "./servers.ts";

export interface ClusterOptions {
  /** Folder of the nodes' logs. */
  readonly dir: string;
  readonly servers: Servers;
  readonly compensation: Compensation;
  readonly nodes?: readonly NodeSpec[];
}

/** The small cluster, its gateways on any free port. */
export const NODES: readonly NodeSpec[] = SMALL_CLUSTER.map(({ name, role }) => ({ name, role }));

/** A cluster on real servers, each node a process of its own. @throws when it does not get ready */
export async function startChaosCluster({ dir, servers, compensation, nodes = NODES }: ClusterOptions): Promise<Environment> {
  const started = await startCluster({ dir, servers: servers.env, nodes, env: nodeSettings(compensation) });
  await using resources = new AsyncDisposableStack();
  resources.use(started);
  const observer = resources.use(await startObserver(configOf(started.env)));
  const metricsUrls = Object.fromEntries(started.nodes.map(({ name, metricsUrl }) => [name, `${metricsUrl}/metrics`]));
  const [first, ...others] = started.gateways;
  if (first === undefined) throw new Error("a cluster without a gateway has no clients");
  const held = resources.move();
  return {
    name: "cluster",
    gateways: [first, ...others],
    nodes: started.nodes,
    servers: faultyServers(servers),
    compensatorPeriodMs: periodOf(compensation),
    pipeline: readerOfPorts(observer, () => readMemory(metricsUrls)),
    sql: async () => observer.sql,
    redrive: () => observer.redrive(),
    node: (name) => nodeNamed(started.nodes, name),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** What a node is configured with that has these settings. */
function configOf(env: Readonly<Record<string, string>>): ReturnType<typeof loadConfig> {
  return loadConfig({ ...env, IM_PROFILE: "cluster" });
}
