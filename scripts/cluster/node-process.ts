import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { environmentOfOthers } from "../../config/env.ts";
import { ROLE_SERVICES, servesClients, type NodeSpec } from "./roles.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const RUNNER = ["--import", "./scripts/compile-cache.js", "node_modules/moleculer/bin/moleculer-runner.js"];
const SERVICES = ["--config", "moleculer.config.ts", "--mask", "**/*.service.ts", "services"];
const POLL_MS = 25;
const READY_TIMEOUT_MS = 90_000;
const LOG_TAIL_LINES = 5;

/** One node of a cluster, a process of its own. It can be ended and started again on its ports. */
export class NodeProcess {
  readonly name: string;
  readonly spec: NodeSpec;
  /** Where clients reach it; null when it serves none. */
  readonly url: string | null;
  /** Where its probes and metrics are. */
  readonly metricsUrl: string;
  readonly logFile: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;

  /** @param env settings that all nodes of the cluster share */
  constructor(spec: NodeSpec, dir: string, ports: { http: number; metrics: number }, env: Readonly<Record<string, string>>) {
    this.name = spec.name;
    this.spec = spec;
    this.url = servesClients(spec.role) ? `http://127.0.0.1:${ports.http}` : null;
    this.metricsUrl = `http://127.0.0.1:${ports.metrics}`;
    this.logFile = join(dir, `${spec.name}.log`);
    const services = ROLE_SERVICES[spec.role];
    this.#env = {
      ...env,
      IM_PROFILE: "cluster",
      IM_NODE_ID: spec.name,
      IM_DATA_DIR: join(dir, spec.name),
      IM_PORT: String(ports.http),
      IM_METRICS_PORT: String(ports.metrics),
      ...(services && { IM_SERVICES: services.join(",") }),
      ...spec.env,
    };
  }

  get pid(): number | null {
    return this.isRunning() ? (this.#child?.pid ?? null) : null;
  }

  /** A frozen one runs. */
  isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process; it serves once `ready` resolves. Does nothing when it runs. */
  start(): void {
    if (this.isRunning()) return;
    const log = openSync(this.logFile, "a", 0o600);
    try {
      const args = [...(this.spec.nodeFlags ?? []), ...RUNNER, ...SERVICES];
      // In a group of its own: a Ctrl-C ends whoever started it, who then ends the nodes in good order.
      this.#child = spawn(process.execPath, args, {
        cwd: ROOT,
        env: { ...environmentOfOthers(), ...this.#env },
        stdio: ["ignore", log, log],
        detached: true,
      });
      this.#child.on("error", () => undefined); // `ready` says so
    } finally {
      closeSync(log);
    }
  }

  /** Resolves when its readiness probe says yes. @throws when it ended instead, or with the end of its log after `timeoutMs` */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!(await this.isReady())) {
      const why = this.isRunning() ? `was not ready within ${timeoutMs / 1_000} s` : "ended";
      if (!this.isRunning() || performance.now() > end)
        throw new Error(`Node ${this.name} ${why}; the end of ${this.logFile}:\n${await this.#logTail()}`);
      await delay(POLL_MS);
    }
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.metricsUrl}/health/ready`, { signal: AbortSignal.timeout(2_000) })).ok;
    } catch {
      return false;
    }
  }

  /** Sends a signal; SIGSTOP freezes it, SIGCONT lets it go on. @returns false when it does not run */
  signal(signal: NodeJS.Signals): boolean {
    return this.isRunning() && this.#child!.kill(signal);
  }

  /** Sends a signal that ends it and resolves when it has ended. @returns its exit code, or the signal that ended it */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string | null> {
    const child = this.#child;
    if (!child) return null;
    if (this.isRunning()) {
      const ended = once(child, "exit");
      child.kill(signal);
      if (signal !== "SIGKILL") child.kill("SIGCONT"); // a frozen one would not hear it
      await ended;
    }
    return child.exitCode ?? child.signalCode;
  }

  async #logTail(): Promise<string> {
    const text = await readFile(this.logFile, "utf8").catch(() => "");
    return text.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  }
}
