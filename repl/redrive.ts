import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import { sharedEventStream } from "../mixins/event-stream/index.ts";
import { borrow } from "./borrow.ts";
import type { Report } from "./report.ts";

/** Dead letters of each kind that one command drives again. */
const MAX_REDRIVEN = 1_000;

/** Hands dead messages and dead events to those who could not handle them. What fails again is a dead letter again. */
export async function redriveAll(broker: ServiceBroker): Promise<Report> {
  const { redriven } = await call(broker, "persister.redrive", { limit: MAX_REDRIVEN });
  const events = await borrow(broker, sharedEventStream, (stream) => stream.redrive(MAX_REDRIVEN));
  return [`messages driven again: ${redriven}`, `events driven again: ${events}`];
}
