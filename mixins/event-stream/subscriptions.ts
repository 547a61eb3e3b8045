import type { Service, ServiceSchema } from "moleculer";
import type { DomainEventName, DomainEvents } from "../../contracts/events.ts";
import type { DomainEvent } from "./port.ts";
import { sharedEventStream } from "./shared-event-stream.ts";

/** What a service does on each event, with the service as `this`. Must be idempotent; see `onceInTransaction`. */
export type EventHandlers<Vars> = {
  readonly [N in DomainEventName]?: (this: Service & Vars, event: DomainEvent<DomainEvents[N]>) => Promise<void>;
};

export interface SubscriptionsOptions<Vars> {
  /** Name of the durable consumer, the same for ever: it is where the events it has not handled wait. */
  readonly consumer: string;
  readonly handlers: EventHandlers<Vars>;
  /** Tries before an event becomes a dead letter. Default 10. */
  readonly maxDeliver?: number;
}

type AnyHandler = (this: Service, event: DomainEvent) => Promise<void>;
type Lifecycle = ServiceSchema["started"];

/**
 * Hands durable events to a service: each at least once, those of one key in order, again with back-off when the handler
 * throws. It subscribes after the service's own `started()` and stops before its own `stopped()`, wherever it stands among
 * the mixins. No event is relayed before the whole node has started, so a handler may call any action.
 */
export function withSubscriptions<Vars = unknown>({
  consumer,
  handlers,
  maxDeliver,
}: SubscriptionsOptions<Vars>): Partial<ServiceSchema> {
  const handlerOf = handlers as unknown as Readonly<Record<string, AnyHandler>>;
  const running = new WeakMap<Service, { stop(): Promise<void> }>();

  async function subscribe(this: Service): Promise<void> {
    const stream = await sharedEventStream.acquire(this.broker);
    try {
      const handle = (event: DomainEvent): Promise<void> => handlerOf[event.subject]!.call(this, event);
      running.set(this, await stream.subscribe({ consumer, subjects: Object.keys(handlers), maxDeliver, handle }));
    } catch (error) {
      await sharedEventStream.release(this.broker);
      throw error;
    }
  }

  async function unsubscribe(this: Service): Promise<void> {
    const subscription = running.get(this);
    if (!subscription) return;
    running.delete(this);
    await subscription.stop();
    await sharedEventStream.release(this.broker);
  }

  // Moleculer runs `started` from the first to the last and `stopped` from the last to the first.
  const merged = (schema: ServiceSchema): void => {
    schema.started = last(schema.started, subscribe);
    schema.stopped = last(schema.stopped, unsubscribe);
  };
  return { merged } as Partial<ServiceSchema>;
}

function last(steps: Lifecycle, step: (this: Service) => Promise<void>): Lifecycle {
  return [...(steps === undefined ? [] : [steps].flat()), step];
}
