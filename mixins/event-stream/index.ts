import type { ServiceSchema } from "moleculer";
import { mixinOf } from "../shared.ts";
import type { EventStream } from "./port.ts";
import { sharedEventStream } from "./shared-event-stream.ts";

export type { DeadEvent, DomainEvent, EventStream, Subscription } from "./port.ts";
export { sharedEventStream } from "./shared-event-stream.ts";
export { withSubscriptions, type EventHandlers } from "./subscriptions.ts";

/** What `withEventStream()` puts on `this`. (`this.events` is taken: Moleculer keeps its own handlers there.) */
export interface EventStreamVars {
  readonly eventStream: EventStream;
}

/** Gives a service the node's event stream as `this.eventStream`, from before its `started()` until after its `stopped()`. */
export function withEventStream(): Partial<ServiceSchema> {
  return mixinOf("eventStream", sharedEventStream);
}
