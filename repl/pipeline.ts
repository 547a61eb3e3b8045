import type { ServiceBroker } from "moleculer";
import type { Result } from "../contracts/index.ts";
import { nodesOf } from "../lib/nodes-of.ts";
import { call } from "../lib/service.ts";
import { sharedOutbox } from "../mixins/outbox/index.ts";
import { borrow } from "./borrow.ts";
import { facts, moment, type Report } from "./report.ts";

type Counts = Result<"persister.status">;

/** Where the messages and events of all nodes are: how much waits at each step, and for how long. */
export async function showPipeline(broker: ServiceBroker): Promise<Report> {
  const [persisters, compensators, gateways, outbox] = await Promise.all([
    statusOfEach(broker, "persister"),
    statusOfEach(broker, "compensator"),
    statusOfEach(broker, "socket"),
    borrow(broker, sharedOutbox, ({ outbox }) => outbox.lag()),
  ]);
  return facts({
    "accepted, not persisted": greatest(compensators, "pending"),
    "oldest of them": span(greatest(compensators, "oldestPendingAgeMs")),
    "waiting in the message log": greatest(persisters, "lag"),
    "persisted since the start": sum(persisters, "persisted"),
    "batches since the start": sum(persisters, "batches"),
    "last batch": moment(greatest(persisters, "lastBatchAt")),
    "dead letters since the start": sum(persisters, "dead"),
    "driven again by the compensator": sum(compensators, "compensated"),
    "runs of the compensator": sum(compensators, "runs"),
    "failed runs of the compensator": sum(compensators, "failed"),
    "events waiting in the outbox": outbox.count,
    "connections of clients": sum(gateways, "connections"),
    nodes: `${gateways.length} socket, ${persisters.length} persister, ${compensators.length} compensator`,
  });
}

/** One for each node that runs the service and answers. @throws when nodes run it and none answers */
async function statusOfEach(broker: ServiceBroker, service: "persister" | "compensator" | "socket"): Promise<Counts[]> {
  const answers = await Promise.allSettled(
    nodesOf(broker, service).map((nodeID) => call(broker, `${service}.status`, {}, { nodeID })),
  );
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  if (found.length === 0 && answers[0]?.status === "rejected") throw answers[0].reason;
  return found;
}

const known = (all: readonly Counts[], field: string): number[] => all.flatMap((one) => one[field] ?? []);
const sum = (all: readonly Counts[], field: string): number | null => {
  const values = known(all, field);
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
};
/** Of what each node says of the whole cluster, or of the last time. */
const greatest = (all: readonly Counts[], field: string): number | null => {
  const values = known(all, field);
  return values.length === 0 ? null : Math.max(...values);
};

function span(ms: number | null): string | null {
  return ms === null ? null : `${(ms / 1000).toFixed(1)} s`;
}
