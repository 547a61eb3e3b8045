import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import { sharedMetrics } from "../mixins/metrics/index.ts";
import { sharedOutbox } from "../mixins/outbox/index.ts";
import { borrow } from "./borrow.ts";
import { facts, moment, type Report } from "./report.ts";

/** Where the messages and events of this node are: how much waits at each step, and for how long. */
export async function showPipeline(broker: ServiceBroker): Promise<Report> {
  const [persister, compensator, outbox, connections] = await Promise.all([
    call(broker, "persister.status", {}),
    call(broker, "compensator.status", {}),
    borrow(broker, sharedOutbox, ({ outbox }) => outbox.lag()),
    countConnections(broker),
  ]);
  return facts({
    "accepted, not persisted": compensator["pending"],
    "oldest of them": span(compensator["oldestPendingAgeMs"]),
    "waiting in the message log": persister["lag"],
    "persisted since the start": persister["persisted"],
    "batches since the start": persister["batches"],
    "last batch": moment(persister["lastBatchAt"]),
    "dead letters since the start": persister["dead"],
    "driven again by the compensator": compensator["compensated"],
    "runs of the compensator": compensator["runs"],
    "failed runs of the compensator": compensator["failed"],
    "events waiting in the outbox": outbox.count,
    "connections of this node": connections,
  });
}

function span(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : `${(ms / 1000).toFixed(1)} s`;
}

/** null when no gateway runs on this node. */
async function countConnections(broker: ServiceBroker): Promise<string | null> {
  const text = await borrow(broker, sharedMetrics, ({ registry }) => registry.text());
  return /^im_connections(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? null;
}
