import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { startServers, type Servers } from "../../../scripts/servers/index.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { NODES, startChaosCluster } from "./cluster.ts";
import { startEmbedded } from "./embedded.ts";
import type { Compensation, Environment } from "./environment.ts";
import { ALL_KINDS } from "./servers.ts";

export interface KeeperOptions {
  /** Folder of data and logs. */
  readonly dir: string;
  readonly compensation: Compensation;
  /** Told what takes long. */
  readonly report: (line: string) => void;
}

/**
 * Has an environment ready for each scenario. The servers serve all of them, and nodes that a scenario left in good order serve
 * the next one too; after a failure all is made anew.
 */
export class Keeper implements AsyncDisposable {
  readonly #options: KeeperOptions;
  #servers: Servers | null = null;
  #running: { readonly env: Environment; readonly isPlain: boolean } | null = null;
  #count = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Where the logs of the nodes are that serve now. */
  get logs(): string {
    return join(this.#options.dir, `nodes-${this.#count}`);
  }

  /** @throws when it cannot be had */
  async environmentFor({ on, nodes }: Scenario): Promise<Environment> {
    const isPlain = nodes === undefined;
    if (this.#running?.env.name === on && this.#running.isPlain && isPlain) return this.#running.env;
    await this.#endNodes();
    this.#count++;
    await mkdir(this.logs, { recursive: true });
    const { compensation } = this.#options;
    const env =
      on === "embedded"
        ? await startEmbedded({ dir: this.logs, compensation })
        : await startChaosCluster({
            dir: this.logs,
            servers: await this.#startServers(),
            compensation,
            nodes: nodes?.(NODES) ?? NODES,
          });
    this.#running = { env, isPlain };
    return env;
  }

  /** What runs now may be in any state: the next scenario gets another. */
  async forget(): Promise<void> {
    await this.#endNodes();
    await this.#endServers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forget();
  }

  async #startServers(): Promise<Servers> {
    if (this.#servers) return this.#servers;
    const { dir, report } = this.#options;
    report("Starting MySQL, Redis, NATS and Kafka");
    this.#servers = await startServers({ dir: join(dir, "servers"), kinds: ALL_KINDS, install: true, report });
    return this.#servers;
  }

  async #endServers(): Promise<void> {
    await this.#servers?.stop({ removeData: true });
    this.#servers = null;
  }

  async #endNodes(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (!running) return;
    try {
      await running.env[Symbol.asyncDispose]();
    } catch {
      // What does not end in good order is ended all the same, and has no part in the next scenario.
      await Promise.all(running.env.nodes.map((node) => node.end("SIGKILL")));
    }
    if (running.env.name === "embedded") await rm(join(this.logs, "data"), { recursive: true, force: true });
  }
}
