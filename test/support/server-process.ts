import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { freePorts } from "../../scripts/servers/ports.ts";
import { storageOf } from "./profile.ts";
import { waitFor } from "./wait.ts";

export const ROOT = join(import.meta.dirname, "../..");

/** A process with what it has written so far; `await using` kills it and waits for its end. */
export interface RunningProcess extends AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** What it has written. */
  readonly written: { out: string; err: string };
  /** Its exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export function runProcess(args: readonly string[], env: Record<string, string> = {}, node = process.execPath): RunningProcess {
  const child = spawn(node, args, { cwd: ROOT, env: { ...cleanEnv(), ...env }, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => undefined); // it has ended
  const written = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (written.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (written.err += text));
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    written,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The environment without the settings of whoever runs the tests, and without what the test runner tells its children. */
function cleanEnv(): NodeJS.ProcessEnv {
  const foreign = (name: string): boolean => name.startsWith("IM_") || name.startsWith("NODE_");
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign(name)));
}

/** A port that was free a moment ago, and that no system gives to whoever asks for any port. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0];
}

/** A folder that goes with `await using`. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "im-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

const RUNNER = ["--import", "./scripts/compile-cache.js", "node_modules/moleculer/bin/moleculer-runner.js"];
const SERVICES = ["--config", "moleculer.config.ts", "--mask", "**/*.service.ts", "services"];

/** Runs what `npm start` runs, with the web client as it is. @param flags of the runner, such as `--repl` */
export function runServer(env: Record<string, string>, flags: readonly string[] = []): RunningProcess {
  return runProcess([...RUNNER, ...flags, ...SERVICES], { IM_METRICS_PORT: "0", ...env });
}

export interface RunningServer extends RunningProcess {
  readonly url: string;
}

const READY_MS = 60_000;

/** Runs the server, on a free port unless `env` names one, until it is ready. */
export async function startServer(env: Record<string, string>, flags: readonly string[] = []): Promise<RunningServer> {
  const { mysqlUrl } = env["IM_DATA_DIR"] === undefined ? {} : await storageOf(env["IM_DATA_DIR"]);
  const port = env["IM_PORT"] ?? String(await freePort());
  const server = runServer({ ...env, IM_PORT: port, ...(mysqlUrl && { IM_MYSQL_URL: mysqlUrl }) }, flags);
  const url = `http://127.0.0.1:${port}`;
  const started = waitFor(() => server.child.exitCode !== null || isReady(url), "the server to be ready", READY_MS);
  await started.catch(async (error: unknown) => {
    await server[Symbol.asyncDispose]();
    throw error;
  });
  if (server.child.exitCode !== null) throw new Error(`the server ended with ${await server.ended}: ${server.written.err}`);
  return { ...server, url };
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}
