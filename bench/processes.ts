import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./load.ts";

const root = join(import.meta.dirname, "..");

/** A process; disposing it ends it. */
export interface Running extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process until it served, in ms. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

const exited = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once("exit", () => resolve()));

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = exited(child);
  child.kill("SIGTERM");
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts the product as `npm start` does, with its rate limits off. */
export async function startServer(dataDir: string, nodeOptions: readonly string[] = []): Promise<Running> {
  const port = await freePort();
  const env = {
    ...process.env,
    IM_PORT: String(port),
    IM_METRICS_PORT: "0",
    IM_DATA_DIR: dataDir,
    IM_RATE_LIMITS: "off",
    IM_LOG_LEVEL: "warn",
    IM_MAX_CONNECTIONS_PER_USER: "100",
  };
  const startedAt = performance.now();
  const runner = join(root, "node_modules/moleculer/bin/moleculer-runner.js");
  const child = spawn(
    process.execPath,
    [
      ...nodeOptions,
      "--import",
      "./scripts/compile-cache.js",
      runner,
      "--config",
      "moleculer.config.ts",
      "--mask",
      "**/*.service.ts",
      "services",
    ],
    { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] },
  );
  const url = `http://127.0.0.1:${port}`;
  await ready(child, url);
  return running(child, url, startedAt);
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  for (let i = 0; i < 3_000 && child.exitCode === null; i++) {
    const isReady = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the server did not get ready");
}

function running(child: ChildProcess, url: string, startedAt: number): Running {
  const end = (): Promise<void> => stop(child);
  return { url, pid: child.pid!, readyMs: performance.now() - startedAt, stop: end, [Symbol.asyncDispose]: end };
}

export async function startRelay(): Promise<Running> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(root, "bench/relay.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve) =>
    child.stdout.once("data", (data: Buffer) => resolve(data.toString().trim())),
  );
  return running(child, url, startedAt);
}

/** Runs the load generator in a process of its own. */
export async function runLoad(order: LoadOrder): Promise<LoadResult> {
  const file = join(mkdtempSync(join(tmpdir(), "im-bench-")), "order.json");
  writeFileSync(file, JSON.stringify(order));
  const child = spawn(process.execPath, [join(root, "bench/load.ts"), file], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  await exited(child);
  return JSON.parse(output) as LoadResult;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** Processor time that a process has used, all its threads together, in ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
