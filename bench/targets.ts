import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { openMysql } from "../mixins/database/mysql.ts";
import type { Database } from "../mixins/database/port.ts";
import { openSqlite } from "../mixins/database/sqlite.ts";
import { startCluster, type NodeSpec } from "../scripts/cluster/index.ts";
import { CORE_SERVICES } from "../scripts/cluster/roles.ts";
import { startServers } from "../scripts/servers/index.ts";
import type { Filling } from "./fill.ts";
import { startServer } from "./processes.ts";
import { quantilesOf, type Quantiles } from "./quantiles.ts";

/** What a run measures: `embedded`, `cluster` (all services in one process on the four servers), `split` (two gateways with the core services, a persister of its own). */
export const TARGETS = ["embedded", "cluster", "split"] as const;
export type TargetName = (typeof TARGETS)[number];

/** What the database holds, read past the server. */
export interface Stored {
  readonly messages: number;
  /** Seqs below the highest of their conversation that have no row. */
  readonly holes: number;
}

export interface Target extends AsyncDisposable {
  /** Of its gateways. */
  readonly urls: readonly string[];
  /** Processes that serve these, in the same order. */
  readonly gatewayPids: readonly number[];
  /** Of its nodes, without the servers. */
  readonly pids: readonly number[];
  /** Processes of the servers it stands on, by name. */
  readonly servers: Readonly<Record<string, number>>;
  readonly readyMs: number;
  stored(): Promise<Stored>;
  /** Time from acceptance to row of messages accepted between these moments (epoch ms), in ms. */
  persistLag(from: number, to: number): Promise<Quantiles>;
}

const ENV = { IM_RATE_LIMITS: "off", IM_LOG_LEVEL: "warn", IM_MAX_CONNECTIONS_PER_USER: "100" };
const GATEWAY_WITH_CORE = { IM_SERVICES: ["api", "socket", "compensator", ...CORE_SERVICES].join(",") };
const NODES: Readonly<Record<Exclude<TargetName, "embedded">, readonly NodeSpec[]>> = {
  cluster: [{ name: "all-1", role: "all" }],
  split: [
    { name: "gateway-1", role: "gateway", env: GATEWAY_WITH_CORE },
    { name: "gateway-2", role: "gateway", env: GATEWAY_WITH_CORE },
    { name: "persister-1", role: "persister" },
  ],
};

const STORED =
  "select coalesce(sum(n), 0) as messages, coalesce(sum(head - n), 0) as holes from (select count(*) as n, max(seq) as head from message group by conversation_id) as one";
const LAG = "select persisted_at - created_at as lag from message where created_at between ? and ?";

export interface TargetOptions {
  /** Folder for a CPU profile of each node. */
  readonly cpuProfile?: string | null;
  /** Fills the database before anything is measured. */
  readonly fill?: (filling: Filling) => Promise<void>;
  /** In the place of the nodes that `cluster` and `split` have. */
  readonly nodes?: readonly NodeSpec[];
}
type Fill = TargetOptions["fill"];
const silent = { warn: () => undefined, error: () => undefined };

/** Starts what is to be measured; disposing it ends its processes and removes its data. */
export async function openTarget(name: TargetName, { cpuProfile, fill, nodes }: TargetOptions = {}): Promise<Target> {
  const nodeFlags = cpuProfile ? ["--cpu-prof", "--cpu-prof-dir", cpuProfile] : [];
  if (name === "embedded") return openEmbedded(nodeFlags, fill);
  return openCluster(
    (nodes ?? NODES[name]).map((node) => ({ ...node, nodeFlags: [...(node.nodeFlags ?? []), ...nodeFlags] })),
    fill,
  );
}

async function fillFrom(database: Promise<Database>, secret: string, fill: NonNullable<Fill>): Promise<void> {
  const sql = await database;
  try {
    await fill({ sql, secret });
  } finally {
    await sql.close();
  }
}

async function openEmbedded(flags: readonly string[], fill: Fill): Promise<Target> {
  const dir = mkdtempSync(join(tmpdir(), "im-bench-data-"));
  await (await startServer(dir)).stop();
  const database = join(dir, "im.sqlite");
  if (fill)
    await fillFrom(openSqlite({ file: database, logger: silent }), readFileSync(join(dir, "secret"), "utf8").trim(), fill);
  const server = await startServer(dir, flags);
  const query = (sql: string, ...values: number[]): Record<string, unknown>[] => {
    const db = new DatabaseSync(database, { readOnly: true });
    try {
      return db.prepare(sql).all(...values);
    } finally {
      db.close();
    }
  };
  return {
    urls: [server.url],
    gatewayPids: [server.pid],
    pids: [server.pid],
    servers: {},
    readyMs: server.readyMs,
    stored: async () => storedOf(query(STORED)[0]!),
    persistLag: async (from, to) => lagOf(query(LAG, from, to)),
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function openCluster(nodes: readonly NodeSpec[], fill: Fill): Promise<Target> {
  const dir = mkdtempSync(join(tmpdir(), "im-bench-cluster-"));
  const stack = new AsyncDisposableStack();
  try {
    const servers = await startServers({ dir: join(dir, "servers"), install: true });
    stack.defer(() => servers.stop({ removeData: true }));
    const start = performance.now();
    const cluster = stack.use(await startCluster({ dir, servers: servers.env, nodes, env: ENV }));
    const readyMs = performance.now() - start;
    const { mysql } = servers;
    if (fill) await fillFrom(openMysql({ url: mysql.url, poolSize: 4, logger: silent }), cluster.env["IM_JWT_SECRET"]!, fill);
    const query = async (sql: string, ...values: number[]): Promise<Record<string, unknown>[]> => {
      const connection = await createConnection(mysql.url);
      try {
        return (await connection.execute<RowDataPacket[]>(sql, values))[0];
      } finally {
        await connection.end();
      }
    };
    return {
      urls: cluster.gateways,
      gatewayPids: cluster.nodes.flatMap(({ url, pid }) => (url === null ? [] : (pid ?? []))),
      pids: cluster.nodes.flatMap(({ pid }) => pid ?? []),
      servers: Object.fromEntries((["mysql", "redis", "nats", "kafka"] as const).map((kind) => [kind, servers[kind].pid ?? 0])),
      readyMs,
      stored: async () => storedOf((await query(STORED))[0]!),
      persistLag: async (from, to) => lagOf(await query(LAG, from, to)),
      async [Symbol.asyncDispose]() {
        await stack.disposeAsync();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const storedOf = (row: Record<string, unknown>): Stored => ({ messages: Number(row["messages"]), holes: Number(row["holes"]) });
const lagOf = (rows: readonly Record<string, unknown>[]): Quantiles => quantilesOf(rows.map(({ lag }) => Number(lag)));
