import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import { sharedEventStream } from "../mixins/event-stream/index.ts";
import { borrow } from "./borrow.ts";
import type { Report } from "./report.ts";

/** Dead messages that are driven again at one time, and dead events that one command drives again. */
const PAGE = 1_000;

/** Hands dead messages and dead events to those who could not handle them. What fails again is a dead letter again. */
export async function redriveAll(broker: ServiceBroker): Promise<Report> {
  const messages = await redriveMessages(broker);
  const events = await borrow(broker, sharedEventStream, (stream) => stream.redrive(PAGE));
  return [`messages driven again: ${messages}`, `events driven again: ${events}`];
}

/** All that are dead now, page by page: what stays dead is passed over. */
async function redriveMessages(broker: ServiceBroker): Promise<number> {
  let messages = 0;
  let page = await call(broker, "persister.redrive", { limit: PAGE });
  for (;;) {
    messages += page.redriven;
    if (page.nextCursor === undefined) return messages;
    page = await call(broker, "persister.redrive", { limit: PAGE, cursor: page.nextCursor });
  }
}
