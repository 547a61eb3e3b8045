import type { ServiceBroker } from "moleculer";

/** The order in which a node that was told to stop finishes its work, before any service is stopped. */
export const DRAIN = { intake: 1, sends: 2, writes: 3 } as const;
type Phase = (typeof DRAIN)[keyof typeof DRAIN];

const works = new WeakMap<ServiceBroker, { phase: Phase; work: () => Promise<void> }[]>();

/** Registers what must be finished before the services of this broker stop; earlier phases end first. */
export function onDrain(broker: ServiceBroker, phase: Phase, work: () => Promise<void>): void {
  const list = works.get(broker) ?? [];
  list.push({ phase, work });
  works.set(broker, list);
}

/** Runs what was registered, phase by phase, each phase for at most `timeoutMs`. Never rejects. */
export async function drain(broker: ServiceBroker, timeoutMs: number): Promise<void> {
  const list = works.get(broker) ?? [];
  works.delete(broker);
  for (const phase of Object.values(DRAIN)) {
    const running = list.filter((one) => one.phase === phase).map((one) => one.work());
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, timeoutMs);
    const results = await Promise.race([Promise.allSettled(running), limit.promise]);
    clearTimeout(timer);
    for (const result of results ?? []) {
      if (result.status === "rejected") broker.logger.warn("Work was left undone at the stop", result.reason);
    }
  }
}
