/**
 * Writes what is in the message log into the database, in batches.
 *
 * One transaction a batch, and one for conversations in which something burns: rows in the order of their key, one statement; then PENDING becomes PERSISTED, then the log hears
 * that the batch is done. A crash between two of these steps repeats the batch, which changes nothing. A record that can
 * never be written is a dead letter with its reason and an alert. In the embedded profile an append resolves when this service
 * has committed it, so a rejected record was never acknowledged and its seq is void; in the cluster it was, and its seq is held
 * (ADR 0018). Of what was sent by someone whose account is erased since, only the place is written (ADR 0009).
 */
import { MAX_PERSIST_BATCH } from "../../config/limits.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { push } from "../../lib/push.ts";
import { call, defineService } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { DRAIN, onDrain } from "../../mixins/drain.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { PERSISTER_GROUP, withMessageLog, type MessageLogVars, type Rejection } from "../../mixins/message-log/index.ts";
import { withMetrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { tracingOf, type Tracing } from "../../mixins/tracing/index.ts";
import { buryRecords, persistBatch, type PersistDeps } from "./persist.ts";
import { redrivePage } from "./redrive.ts";
import { PersistRepository } from "./repository.ts";
import { ToldSenders } from "./told-senders.ts";

interface Vars extends DatabaseVars, HotStoreVars, MessageLogVars, MetricsVars, OutboxVars {
  deps: PersistDeps;
  consumption: { stop(): Promise<void> };
  counts: { batches: number; persisted: number; dead: number; lastBatchAt: number | null };
}

/** Without those whose sender's account is erased: of them nothing is kept. */
const deadLettersOf = (rejected: readonly Rejection[]): Rejection[] => rejected.filter(({ forget }) => !forget);

/** Of the oldest; clocks of nodes differ a little. */
const lagMs = (records: readonly MessageRecord[], now: number): number =>
  Math.max(0, now - records.reduce((oldest, { createdAt }) => Math.min(oldest, createdAt), now));

/** A batch works for many requests: its span is linked to those that are traced. */
function traced<T>(tracing: Tracing, records: readonly MessageRecord[], work: () => Promise<T>): Promise<T> {
  const links = tracing.isOn ? records.flatMap(({ traceparent }) => traceparent ?? []) : [];
  if (links.length === 0) return work();
  return tracing.span("persist batch", { role: "consumer", links, attributes: { messages: records.length } }, work);
}

export default defineService<"persister", Vars>()({
  name: "persister",
  mixins: [withDatabase(), withHotStore(), withMessageLog(), withMetrics(), withOutbox()],
  methods: {
    /** Operators hear of every message that was given up. */
    async alert(rejected: readonly Rejection[]): Promise<void> {
      if (rejected.length === 0) return;
      this.counts.dead += rejected.length;
      this.metrics.increment("im_messages_dead_total", rejected.length);
      const detail = rejected.map(({ record, reason }) => `${record.messageId}: ${reason}`).join("; ");
      await this.sql.transaction((tx) =>
        this.outbox.add(tx, {
          subject: "im.system.alert.triggered",
          key: "persister",
          payload: { alert: "dead_letter", detail: detail.slice(0, 2_000) },
        }),
      );
    },
  },
  actions: {
    async status() {
      const lag = await this.log.lag(PERSISTER_GROUP).catch(() => null); // not known while the log is away
      return { ...this.counts, lag };
    },
    async deadLetters(ctx) {
      return (await this.log.deadLetters(ctx.params.limit)).map(({ record, reason, at }) => ({ ...record, reason, deadAt: at }));
    },
    async bury(ctx) {
      const { messageIds, reason } = ctx.params;
      const found = await Promise.all(messageIds.map((messageId) => this.hot.conversations.find(messageId)));
      const records = found.flatMap((one) => (one ? [one.record] : []));
      const rejected = await buryRecords(this.deps, records, reason);
      const letters = deadLettersOf(rejected);
      await this.log.bury(letters.map((letter) => ({ ...letter, at: Date.now() })));
      await this.hot.conversations.refused(rejected.map(({ record }) => record));
      await this.alert(letters);
      return { buried: rejected.length };
    },
    redrive(ctx) {
      const { log, logger } = this;
      const readmit = async (record: MessageRecord) => (await call(ctx, "message.readmit", { record: { ...record } })) !== null;
      return redrivePage({ log, logger, readmit }, ctx.params);
    },
  },
  created() {
    this.counts = { batches: 0, persisted: 0, dead: 0, lastBatchAt: null };
  },
  async started() {
    const { broker, counts, hot, log, logger, metrics, sql } = this;
    const tracing = tracingOf(broker);
    const repository = new PersistRepository(sql);
    const deps = (this.deps = { repository, now: Date.now, holds: log.acknowledges === "logged" });
    const alert = this.alert.bind(this);
    const told = new ToldSenders((deliveries) => push(broker, deliveries));
    this.consumption = await log.consume({
      group: PERSISTER_GROUP,
      maxBatch: MAX_PERSIST_BATCH,
      async onBatch({ records }) {
        const startedAt = performance.now();
        const rejected = await traced(tracing, records, () => persistBatch(deps, records));
        const dead = new Set(rejected.map(({ record }) => record.messageId));
        const persisted = dead.size === 0 ? records : records.filter(({ messageId }) => !dead.has(messageId));
        const held = rejected.filter(({ isHeld }) => isHeld).map(({ record }) => record);
        await hot.conversations.persisted([...persisted, ...held]);
        // Where whoever appended them has their answer, nobody else says that they are not on their way any more.
        const refused = rejected.filter(({ isHeld }) => !isHeld).map(({ record }) => record);
        if (refused.length > 0 && log.acknowledges === "logged") await hot.conversations.refused(refused);
        told.add(persisted);
        const durationMs = performance.now() - startedAt;
        metrics.increment("im_messages_persisted_total", persisted.length);
        metrics.observe("im_persist_batch_size", records.length);
        metrics.observe("im_persist_duration_seconds", durationMs / 1000);
        metrics.observe("im_persist_lag_seconds", lagMs(records, Date.now()) / 1000);
        counts.batches++;
        counts.persisted += persisted.length;
        counts.lastBatchAt = Date.now();
        logger.debug("Batch persisted", { messages: persisted.length, dead: dead.size, durationMs: Math.round(durationMs) });
        await alert(deadLettersOf(rejected));
        return { rejected };
      },
    });
    metrics.gauge("im_log_lag", () => log.lag(PERSISTER_GROUP));
    onDrain(broker, DRAIN.writes, () => told.flush());
  },
  async stopped() {
    await this.consumption?.stop();
  },
});
