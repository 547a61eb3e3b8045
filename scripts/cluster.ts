/**
 * A small real cluster on this machine: `npm run cluster [-- --dir <folder>] [--servers <folder>] [--nodes core=2,gateway=2,…]`.
 * Brings up the servers that it stands on (`npm run servers`), then two nodes with the core services, two gateways, a persister
 * and a compensator, each a process of its own; Ctrl-C ends the nodes in good order. Servers that ran before go on.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_CLUSTER_DIR, SMALL_CLUSTER, startCluster, type Cluster, type NodeSpec, type Role } from "./cluster/index.ts";
import { ROLE_SERVICES } from "./cluster/roles.ts";
import { bringAllUp, DEFAULT_DIR, startServers, takeDown } from "./servers/index.ts";
import { prepareWebClient } from "./web-client/index.ts";

const USAGE = `Usage: npm run cluster [-- --dir <folder>] [--servers <folder>] [--nodes core=2,gateway=2,persister=1,compensator=1]
  --dir      logs of the nodes and the secret that they share (${DEFAULT_CLUSTER_DIR})
  --servers  state, data and logs of the servers (${DEFAULT_DIR})
  --nodes    how many of each; roles are ${Object.keys(ROLE_SERVICES).join(", ")}`;
const FIRST_PORT = 3000;

interface Call {
  readonly dir: string;
  readonly servers: string;
  readonly nodes: readonly NodeSpec[];
}

function readCall(): Call | null {
  try {
    const { values } = parseArgs({
      options: {
        dir: { type: "string", default: DEFAULT_CLUSTER_DIR },
        servers: { type: "string", default: DEFAULT_DIR },
        nodes: { type: "string" },
      },
    });
    const nodes = values.nodes === undefined ? SMALL_CLUSTER : readNodes(values.nodes);
    return nodes && { dir: resolve(values.dir), servers: resolve(values.servers), nodes };
  } catch {
    return null;
  }
}

/** Of `core=2,gateway=1`; those that serve clients listen from port 3000 on. */
function readNodes(text: string): NodeSpec[] | null {
  const nodes: NodeSpec[] = [];
  let port = FIRST_PORT;
  for (const part of text.split(",")) {
    const [, role, count] = /^([a-z]+)=(\d{1,2})$/.exec(part.trim()) ?? [];
    if (role === undefined || !Object.hasOwn(ROLE_SERVICES, role)) return null;
    for (let i = 1; i <= Number(count); i++) {
      const clients = role === "gateway" || role === "all" ? { port: port++ } : {};
      nodes.push({ name: `${role}-${i}`, role: role as Role, ...clients });
    }
  }
  return nodes.length > 0 ? nodes : null;
}

function tell(cluster: Cluster, dir: string, tookMs: number): void {
  console.log(`\nThe cluster is ready after ${(tookMs / 1_000).toFixed(1)} s:\n`);
  for (const { name, url, metricsUrl, pid } of cluster.nodes)
    console.log(`  ${name.padEnd(14)} pid ${String(pid).padEnd(8)} ${(url ?? "").padEnd(22)} ${metricsUrl}/metrics`);
  const [browser] = cluster.gateways;
  if (browser !== undefined) console.log(`\n  Open it in a browser: ${browser}`);
  console.log(`\n  Logs are in ${dir}. \`npm run repl\` in another terminal joins it with an operator's console.`);
  console.log("  Ctrl-C ends the nodes.\n");
}

async function run({ dir, servers, nodes }: Call): Promise<void> {
  const report = (line: string): void => console.log(line);
  await prepareWebClient(resolve(import.meta.dirname, ".."), report);
  const outcomes = await bringAllUp({ dir: servers, install: true, report });
  const started = outcomes.filter(({ result }) => result === "started").map(({ name }) => name);
  const { env } = await startServers({ dir: servers });
  const stopping = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.resolve());
  try {
    const start = performance.now();
    await using cluster = await startCluster({ dir, servers: env, nodes });
    tell(cluster, dir, performance.now() - start);
    await stopping.promise;
    console.log("\nThe nodes finish their work and end.");
  } finally {
    await takeDown(servers, { kinds: started });
  }
}

const call = readCall();
if (call === null) {
  console.error(USAGE);
  process.exit(2);
}
try {
  await run(call);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
