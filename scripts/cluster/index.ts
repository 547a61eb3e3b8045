import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { freePorts, isFree } from "../servers/ports.ts";
import { identify, isAlive, signalGroup, type ProcessId } from "../servers/processes.ts";
import { NodeProcess } from "./node-process.ts";
import type { NodeSpec } from "./roles.ts";

export { NodeProcess } from "./node-process.ts";
export { SMALL_CLUSTER, type NodeSpec, type Role } from "./roles.ts";

/** Where `npm run cluster` keeps its logs, and `npm run repl` looks for it. */
export const DEFAULT_CLUSTER_DIR = resolve(import.meta.dirname, "../../data/cluster");
const STATE = "cluster.json";

/** Nodes of one cluster on this machine, each its own process. */
export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly NodeProcess[];
  /** URLs of the nodes that serve clients. */
  readonly gateways: readonly string[];
  /** Settings that a node needs to join, such as a console. */
  readonly env: Readonly<Record<string, string>>;
  /** @throws when there is none of that name */
  node(name: string): NodeProcess;
  /** Ends them in good order, those that serve clients first. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Folder of their logs and of the secret that they share. */
  readonly dir: string;
  /** Settings of the servers that they use (`IM_MYSQL_URL` …). */
  readonly servers: Readonly<Record<string, string>>;
  readonly nodes: readonly NodeSpec[];
  /** Settings of all nodes. */
  readonly env?: Readonly<Record<string, string>>;
}

interface State {
  readonly env: Readonly<Record<string, string>>;
  readonly processes: readonly ProcessId[];
}

/**
 * Starts the nodes and waits until all are ready. What a cluster of this folder that was not ended has left behind ends first.
 * @throws when a node does not become ready; none is left running
 */
export async function startCluster({ dir, servers, nodes, env = {} }: ClusterOptions): Promise<Cluster> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await endLeftovers(dir);
  const shared = { ...servers, IM_JWT_SECRET: await secretOf(dir), ...env };
  const running: NodeProcess[] = [];
  for (const spec of nodes) running.push(new NodeProcess(spec, dir, await portsOf(spec), shared));
  const cluster = clusterOf(running, shared, dir);
  for (const node of running) node.start();
  try {
    await remember(dir, shared, running);
    await Promise.all(running.map((node) => node.ready()));
    return cluster;
  } catch (error) {
    await Promise.all(running.map((node) => node.end("SIGKILL")));
    throw error;
  }
}

function clusterOf(nodes: readonly NodeProcess[], env: Readonly<Record<string, string>>, dir: string): Cluster {
  const stop = async (): Promise<void> => {
    const [gateways, others] = [nodes.filter(({ url }) => url !== null), nodes.filter(({ url }) => url === null)];
    await Promise.all(gateways.map((node) => node.end()));
    await Promise.all(others.map((node) => node.end()));
    await rm(join(dir, STATE), { force: true });
  };
  return {
    nodes,
    gateways: nodes.flatMap(({ url }) => url ?? []),
    env,
    node(name) {
      const node = nodes.find((one) => one.name === name);
      if (!node) throw new Error(`The cluster has no node ${name}`);
      return node;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function portsOf({ port }: NodeSpec): Promise<{ http: number; metrics: number }> {
  if (port !== undefined && !(await isFree(port))) throw new Error(`Port ${port} on 127.0.0.1 is taken`);
  const [http, metrics] = await freePorts(2);
  return { http: port ?? http, metrics: metrics! };
}

/** Made once for each folder. */
async function secretOf(dir: string): Promise<string> {
  const file = join(dir, "secret");
  const known = await readFile(file, "utf8").catch(() => null);
  if (known !== null) return known;
  const secret = randomBytes(48).toString("base64url");
  await writeFile(file, secret, { mode: 0o600 });
  return secret;
}

async function remember(dir: string, env: State["env"], nodes: readonly NodeProcess[]): Promise<void> {
  const processes = nodes.flatMap(({ pid }) => (pid === null ? [] : (identify(pid) ?? [])));
  await writeFile(join(dir, STATE), JSON.stringify({ env, processes } satisfies State), { mode: 0o600 });
}

async function readState(dir: string): Promise<State | null> {
  const text = await readFile(join(dir, STATE), "utf8").catch(() => null);
  return text === null ? null : (JSON.parse(text) as State);
}

/** How to join the cluster that runs in this folder; null when none does. */
export async function runningCluster(dir: string): Promise<{ env: Readonly<Record<string, string>> } | null> {
  const state = await readState(dir);
  return state?.processes.some(isAlive) ? state : null;
}

async function endLeftovers(dir: string): Promise<void> {
  const state = await readState(dir);
  for (const one of state?.processes ?? []) if (isAlive(one)) signalGroup(one, "SIGKILL");
}
