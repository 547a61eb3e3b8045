import type { ServiceBroker } from "moleculer";
import { SOCKET_QUEUE_CUT_BYTES, SOCKET_QUEUE_SYNC_BYTES, SYNC_SPREAD_MS } from "../../config/limits.ts";
import { broadcast } from "../../lib/service.ts";
import type { MetricsVars } from "../../mixins/metrics/index.ts";
import { MissedPushes } from "./missed-pushes.ts";
import type { LossWatch } from "./redis-adapter.ts";
import { SendQueues } from "./send-queue.ts";
import type { ImSocket } from "./types.ts";

export interface PushGuardSettings {
  readonly queueSyncBytes: number;
  readonly queueCutBytes: number;
  readonly syncSpreadMs: number;
}
export const pushGuardDefaults = {
  queueSyncBytes: SOCKET_QUEUE_SYNC_BYTES,
  queueCutBytes: SOCKET_QUEUE_CUT_BYTES,
  syncSpreadMs: SYNC_SPREAD_MS,
} as const satisfies PushGuardSettings;

export interface PushGuardDeps {
  readonly broker: ServiceBroker;
  readonly metrics: MetricsVars["metrics"];
  readonly settings: PushGuardSettings;
  readonly sockets: () => readonly ImSocket[];
}

/** Bounds what waits for each connection of a gateway, and tells connections to sync when pushes to them were lost. */
export class PushGuard {
  readonly queues: SendQueues;
  /** The other gateways hear through the bus; where that is away too, their clients learn of it when they sync. */
  readonly losses: LossWatch;
  readonly #missed: MissedPushes;

  constructor({ broker, metrics, settings, sockets }: PushGuardDeps) {
    this.queues = new SendQueues(
      { syncBytes: settings.queueSyncBytes, cutBytes: settings.queueCutBytes },
      {
        dropped: () => metrics.increment("im_pushes_dropped_total"),
        toldToSync: () => metrics.increment("im_sync_needed_total", 1, { reason: "slow" }),
        cut: () => metrics.increment("im_slow_readers_cut_total"),
      },
    );
    this.#missed = new MissedPushes({
      sockets,
      tell(socket) {
        metrics.increment("im_sync_needed_total", 1, { reason: "missed" });
        socket.emit("sync:needed", { reason: "missed" });
      },
      spreadMs: settings.syncSpreadMs,
    });
    this.losses = {
      toHere: () => this.#missed.suspect(),
      toOthers: () => void broadcast(broker, "pushes.missed", { gatewayNodeId: broker.nodeID }).catch(() => undefined),
    };
  }

  close(): void {
    this.#missed.close();
  }
}
