import { sharedCall } from "../../lib/shared-call.ts";
import type { Metrics } from "../../mixins/metrics/index.ts";

/** What waits past its time: how much, and since when the first of it does, epoch ms. */
interface Late {
  late(now: number): Promise<{ count: number; oldestAt: number | null }>;
}

/** Measures what waits past its time; each table is read once for the two gauges of a scrape. */
export function measureLate(
  metrics: Pick<Metrics, "gauge">,
  { scheduled, burns }: { readonly scheduled: Late; readonly burns: Late },
  now: () => number,
): void {
  const [sends, timers] = [sharedCall(() => scheduled.late(now())), sharedCall(() => burns.late(now()))];
  const ageIn = async (read: typeof sends): Promise<number> => {
    const { oldestAt } = await read();
    return oldestAt === null ? 0 : (now() - oldestAt) / 1_000;
  };
  metrics.gauge("im_scheduled_due", async () => (await sends()).count);
  metrics.gauge("im_scheduled_oldest_due_age_seconds", () => ageIn(sends));
  metrics.gauge("im_burns_due", async () => (await timers()).count);
  metrics.gauge("im_burns_oldest_due_age_seconds", () => ageIn(timers));
}
