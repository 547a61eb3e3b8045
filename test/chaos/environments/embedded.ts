import { join } from "node:path";
import type { Database } from "../../../mixins/database/port.ts";
import { openSqlite } from "../../../mixins/database/sqlite.ts";
import { NodeProcess } from "../../../scripts/cluster/node-process.ts";
import { freePorts } from "../../../scripts/servers/ports.ts";
import { silent } from "../../support/database.ts";
import { readerOfMetrics } from "../pipeline.ts";
import { nodeNamed, nodeSettings, periodOf, type Compensation, type Environment } from "./environment.ts";

export interface EmbeddedOptions {
  /** Folder of its data and its log. */
  readonly dir: string;
  readonly compensation: Compensation;
  /** Flags of its Node.js, such as `--import` of a module. */
  readonly nodeFlags?: readonly string[];
  /** Settings of its own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The embedded profile as `npm start` runs it, in a process of its own. */
export async function startEmbedded({ dir, compensation, nodeFlags = [], env = {} }: EmbeddedOptions): Promise<Environment> {
  const [http, metrics] = await freePorts(2);
  const dataDir = join(dir, "data");
  const spec = {
    name: "server",
    role: "all",
    nodeFlags,
    env: { IM_PROFILE: "embedded", IM_DATA_DIR: dataDir, ...nodeSettings(compensation), ...env },
  } as const;
  const server = new NodeProcess(spec, dir, { http, metrics: metrics! }, {});
  let opened: Promise<Database> | null = null;
  const sql = (): Promise<Database> => (opened ??= openSqlite({ file: join(dataDir, "im.sqlite"), logger: silent }));
  const end = async (): Promise<void> => {
    await (await opened)?.close();
    await server.end();
  };
  server.start();
  try {
    await server.ready();
  } catch (error) {
    await server.end("SIGKILL");
    throw error;
  }
  const nodes = [server];
  return {
    name: "embedded",
    gateways: [server.url!],
    nodes,
    servers: null,
    compensatorPeriodMs: periodOf(compensation),
    pipeline: readerOfMetrics(`${server.metricsUrl}/metrics`, server.name, sql),
    sql,
    redrive: () => Promise.reject(new Error("the embedded profile redrives from its console only")),
    node: (name) => nodeNamed(nodes, name),
    [Symbol.asyncDispose]: end,
  };
}
