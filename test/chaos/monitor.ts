import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "./environments/environment.ts";
import type { History } from "./history.ts";
import type { Stage } from "./stage.ts";

const EVERY_MS = 500;
const POLL_MS = 50;

/** Looks at the pipeline again and again, as far as it can be looked at. */
export class Monitor {
  #isOver = false;
  readonly #work: Promise<void>;

  constructor(env: Environment, history: History) {
    this.#work = this.#watch(env, history);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #watch({ pipeline }: Environment, history: History): Promise<void> {
    while (!this.#isOver) {
      const sample = await pipeline.sample().catch(() => null); // what it asks is down
      if (sample) history.sample(sample);
      await delay(EVERY_MS);
    }
  }
}

/**
 * Waits until the product works again: all nodes are ready, every gateway has had a message acknowledged, and nothing is
 * pending any more that was accepted before. @returns the time since all was repaired; null when it takes longer than `ms`
 */
export async function healed({ env, history }: Stage, ms: number): Promise<number | null> {
  const over =
    history.faults
      .map(({ repaired }) => repaired ?? history.now())
      .toSorted((a, b) => a.order - b.order)
      .at(-1) ?? history.now();
  const conditions = [areReady, () => doGatewaysServe(env, history, over.order), () => isNothingOldPending(env, over.wallMs)];
  let at = 0;
  while (history.now().monotonicMs < over.monotonicMs + ms) {
    const condition = conditions[at];
    if (condition === undefined) return Math.round(history.now().monotonicMs - over.monotonicMs);
    if (await condition()) at++;
    else await delay(POLL_MS);
  }
  return null;

  async function areReady(): Promise<boolean> {
    return (await Promise.all(env.nodes.map((node) => node.isReady()))).every(Boolean);
  }
}

/** Clients come back to a gateway only when another one sends them away, so any gateway that has clients counts. */
async function doGatewaysServe({ gateways }: Environment, history: History, since: number): Promise<boolean> {
  const sends = history.of("send").filter(({ invoked }) => invoked.order > since);
  return gateways.every((url) => {
    const ofIt = sends.filter(({ gateway }) => gateway === url);
    return ofIt.length === 0 ? sends.some(({ outcome }) => outcome === "ok") : ofIt.some(({ outcome }) => outcome === "ok");
  });
}

async function isNothingOldPending({ pipeline }: Environment, since: number): Promise<boolean> {
  const askedAt = Date.now();
  const sample = await pipeline.sample().catch(() => null);
  return sample !== null && (sample.oldestAgeMs === null || askedAt - sample.oldestAgeMs > since);
}
