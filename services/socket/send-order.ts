import type { ServiceBroker } from "moleculer";
import { REQUEST_TIMEOUT_MS } from "../../config/limits.ts";
import type { ActionName } from "../../contracts/index.ts";
import { imError } from "../../lib/errors.ts";

/** The nodes that run the action whose calls are to keep their order. */
export interface CallNodes {
  /** The one to be called now: this one if it runs the action, else by the balancer; null when there is none. */
  choose(): string | null;
  /** Whether this one still runs it. */
  has(nodeId: string): boolean;
}

/** null where this node is alone: its own calls keep their order by themselves. */
export function callNodesOf(broker: ServiceBroker, action: ActionName): CallNodes | null {
  if (!broker.transit) return null;
  return {
    choose() {
      const endpoint = broker.findNextActionEndpoint(action, {});
      return endpoint instanceof Error ? null : endpoint.id;
    },
    has: (nodeId) => broker.registry.getActionEndpoints(action)?.hasNodeID(nodeId) ?? false,
  };
}

/** What a call is made with, so that it keeps its place: it goes there or fails, and is not repeated behind others. */
export interface Directed {
  readonly nodeID?: string;
  readonly retries: 0;
  readonly timeout: number;
}

/**
 * First in, first out for the calls of one connection, over any number of nodes (ADR 0012). While some are on their way, the
 * next ones go to the same node, where they arrive in their order. When that node has left, the next ones wait until it has
 * answered what it got, or the time of that is over; then another node is chosen.
 */
export class CallOrder {
  readonly #nodes: CallNodes;
  readonly #waiting: (() => void)[] = [];
  #nodeId: string | null = null;
  #outstanding = 0;

  constructor(nodes: CallNodes) {
    this.#nodes = nodes;
  }

  /**
   * Makes the call when it is its turn: before `run` returns, unless it has to wait.
   * @throws UNAVAILABLE when it waited for as long as a call may take
   */
  run<T>(call: (options: Directed) => Promise<T>): Promise<T> {
    const cameAt = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const start = (): void => void this.#start(call, cameAt).then(resolve, reject);
    if (this.#mustWait()) this.#waiting.push(start);
    else start();
    return promise;
  }

  #mustWait(): boolean {
    if (this.#waiting.length > 0) return true;
    return this.#outstanding > 0 && this.#nodeId !== null && !this.#nodes.has(this.#nodeId);
  }

  async #start<T>(call: (options: Directed) => Promise<T>, cameAt: number): Promise<T> {
    const timeout = REQUEST_TIMEOUT_MS - (performance.now() - cameAt);
    if (timeout <= 0) throw imError("UNAVAILABLE");
    if (this.#outstanding === 0) this.#nodeId = this.#nodes.choose();
    this.#outstanding += 1;
    try {
      return await call({ ...(this.#nodeId !== null && { nodeID: this.#nodeId }), retries: 0, timeout });
    } finally {
      this.#outstanding -= 1;
      if (this.#outstanding === 0) for (const start of this.#waiting.splice(0)) start();
    }
  }
}
