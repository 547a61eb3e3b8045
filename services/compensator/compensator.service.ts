/**
 * Finds messages that were accepted and stay PENDING, and drives them again (F3).
 *
 * Runs every `IM_COMPENSATE_EVERY_MS` on one node at a time, under the lease `compensator`; a run handles a bounded number of
 * messages and waits for the log, so that it adds no load to one that is behind. What it drives keeps seq and id; what is
 * still pending after `IM_COMPENSATE_TRIES` becomes a dead letter. A new leader counts anew.
 */
import type { MessageRecord } from "../../contracts/records.ts";
import { push } from "../../lib/push.ts";
import { call, defineService } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { underLease } from "../../mixins/hot-store/hold-lease.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withMessageLog, type MessageLogVars } from "../../mixins/message-log/index.ts";
import { withMetrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { compensate, type CompensateDeps } from "./compensate.ts";

interface Vars extends DatabaseVars, HotStoreVars, MessageLogVars, MetricsVars {
  deps: CompensateDeps;
  counts: { runs: number; compensated: number; failed: number };
  timer: NodeJS.Timeout;
  running: Promise<number> | null;
}
const LEASE_TTL_MS = 10_000;

export default defineService<"compensator", Vars>()({
  name: "compensator",
  mixins: [withDatabase(), withHotStore(), withMessageLog(), withMetrics()],
  methods: {
    /** One run at a time in this process, one node at a time in the cluster. */
    runOnce(): Promise<number> {
      this.running ??= this.runLeased().finally(() => (this.running = null));
      return this.running;
    },
    async runLeased(): Promise<number> {
      const lease = { holder: this.broker.nodeID, ttlMs: LEASE_TTL_MS };
      const compensated = await underLease(this.hot.leases, "compensator", lease, () => compensate(this.deps));
      if (compensated === null) return 0;
      this.counts.runs++;
      this.counts.compensated += compensated;
      if (compensated > 0) {
        this.metrics.increment("im_messages_compensated_total", compensated);
        this.logger.info("Messages driven again", { compensated });
      }
      return compensated;
    },
  },
  actions: {
    async status() {
      const { count, oldestAt } = await this.hot.conversations.pendingStats();
      return { ...this.counts, pending: count, oldestPendingAgeMs: oldestAt === null ? null : Date.now() - oldestAt };
    },
    async run() {
      return { compensated: await this.runOnce() };
    },
  },
  created() {
    this.counts = { runs: 0, compensated: 0, failed: 0 };
    this.running = null;
  },
  async started() {
    const { broker, hot, log, sql } = this;
    const { compensateAfterMs, compensateEveryMs, compensateTries } = configOf(broker);
    const inDatabase = async (records: readonly MessageRecord[]): Promise<ReadonlySet<string>> => {
      // A void has the id of the message whose seq it keeps: that one is not there.
      const rows = await sql.select<{ message_id: string }>(
        "select message_id from message where message_id in (:ids) and type <> 'void'",
        { ids: records.map(({ messageId }) => messageId) },
      );
      return new Set(rows.map(({ message_id }) => String(message_id)));
    };
    this.deps = {
      conversations: hot.conversations,
      log,
      inDatabase,
      push: (deliveries) => push(broker, deliveries),
      bury: async (messageIds) => {
        const reason = `still pending after ${compensateTries} tries of the compensator`;
        await call(broker, "persister.bury", { messageIds: [...messageIds], reason });
      },
      tries: new Map(),
      maxTries: compensateTries,
      now: Date.now,
      afterMs: compensateAfterMs,
    };
    this.timer = setInterval(() => {
      this.runOnce().catch((error: unknown) => {
        this.counts.failed++;
        this.logger.warn("Looking for stuck messages failed; it will be tried again", error);
      });
    }, compensateEveryMs).unref();
  },
  async stopped() {
    clearInterval(this.timer);
    await this.running?.catch(() => 0); // it was logged
  },
});
