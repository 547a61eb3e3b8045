/**
 * What happens at its time (E9): messages that their authors scheduled are sent, and messages burn that were read.
 *
 * Owns the table scheduled_message; timers of messages are a shared resource (mixins/burn-timers). Sending itself is
 * `message.send`, in the author's name and under the clientMsgId that they gave, so that a message appears once whatever crashes.
 * Every node looks for what is due, one works, under the lease `scheduler` with a token that its writes carry. What cannot be answered is tried again with back-off; what is refused becomes a state
 * `failed` and the event `im.message.schedule.failed`, of which its author is notified.
 */
import { randomUUID } from "node:crypto";
import { call, callerOf, defineService, type ImContext } from "../../lib/service.ts";
import { DueTimers } from "../../mixins/burn-timers/index.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { DRAIN, onDrain } from "../../mixins/drain.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { erasedAmong, markErased } from "../../mixins/message-log/index.ts";
import { withMetrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { SCHEDULER_EVERY_MS } from "../../config/limits.ts";
import { burnDue, repairing, type BurnDueDeps } from "./burn-due.ts";
import type { SchedulerDeps } from "./deps.ts";
import { DueRepository } from "./due-repository.ts";
import { measureLate } from "./measure-late.ts";
import { pruning } from "./prune.ts";
import { ScheduledRepository } from "./repository.ts";
import { DueRunner } from "./runner.ts";
import { cancelScheduled, changeScheduled, scheduleMessage, type Author } from "./schedule.ts";
import { sendDue, type SendDueDeps } from "./send-due.ts";
import type { UpkeepDeps } from "./upkeep.ts";
import { exportScheduled, listScheduled } from "./view.ts";

interface Vars extends DatabaseVars, HotStoreVars, IdsVars, MetricsVars, OutboxVars {
  due: DueRepository;
  runner: DueRunner;
  deps(ctx: ImContext<unknown>): SchedulerDeps;
}

const authorOf = (ctx: ImContext<unknown>): Author => ({ userId: callerOf(ctx).userId, language: ctx.meta.language });
/** Whom the service sends as: a person without a device. */
const inNameOf = (userId: string) => ({ meta: { caller: { userId, sessionId: "0", deviceId: "scheduler" } } });

export default defineService<"scheduler", Vars>()({
  name: "scheduler",
  settings: { everyMs: SCHEDULER_EVERY_MS },
  mixins: [
    withDatabase(),
    withHotStore(),
    withIds(),
    withMetrics(),
    withOutbox(),
    withSubscriptions<Vars>({
      consumer: "scheduler",
      handlers: {
        async "im.user.deleted"({ payload: { userId } }) {
          await markErased(this.sql, userId, Date.now()); // what is on its way meets the mark
          await new ScheduledRepository(this.sql).forgetUser(userId);
        },
      },
    }),
  ],
  methods: {
    deps(ctx: ImContext<unknown>): SchedulerDeps {
      const { sql, ids } = this;
      return {
        repository: new ScheduledRepository(sql),
        ids,
        now: Date.now,
        checkSend: async (params) => void (await call(ctx, "message.checkSend", params)),
        isErased: async (userId, tx) => (await erasedAmong(sql, [userId], tx)).size > 0,
      };
    },
  },
  actions: {
    async schedule(ctx) {
      const { scheduled, repeated } = await scheduleMessage(this.deps(ctx), authorOf(ctx), ctx.params);
      if (repeated) ctx.meta.repeated = true;
      return scheduled;
    },
    list(ctx) {
      return listScheduled(this.deps(ctx).repository, authorOf(ctx), ctx.params);
    },
    change(ctx) {
      return changeScheduled(this.deps(ctx), authorOf(ctx), ctx.params);
    },
    async cancel(ctx) {
      await cancelScheduled(this.deps(ctx), callerOf(ctx).userId, ctx.params.scheduledId);
      return null;
    },
    exportOf(ctx) {
      return exportScheduled(this.deps(ctx).repository, ctx.params);
    },
    async status() {
      const { count, oldestAt } = await this.due.late(Date.now());
      return { ...this.runner.counts, due: count, oldestDueAgeMs: oldestAt === null ? null : Date.now() - oldestAt };
    },
    async run() {
      return { done: await this.runner.runOnce() };
    },
  },
  async started() {
    const { broker, hot, logger, metrics, outbox, sql } = this;
    const due = (this.due = new DueRepository(sql));
    const sending: SendDueDeps = {
      repository: due,
      send: (userId, params) => call(broker, "message.send", params, inNameOf(userId)),
      activeAmong: (userIds) => call(broker, "user.activeAmong", { userIds: [...userIds] }),
      addFailure: async (tx, { scheduledId, userId, conversationId }, reason) => {
        const payload = { scheduledId, userId, conversationId, reason };
        await outbox.add(tx, { subject: "im.message.schedule.failed", key: userId, payload });
      },
      onSent: (lateMs) => {
        metrics.increment("im_scheduled_sent_total");
        metrics.observe("im_scheduled_lateness_seconds", lateMs / 1_000);
      },
      onFailed: (reason) => metrics.increment("im_scheduled_failed_total", 1, { reason }),
      now: Date.now,
    };
    const timers = new DueTimers(sql);
    const burning: BurnDueDeps = {
      timers,
      burn: async ({ conversationId, seq, messageId }) =>
        void (await call(broker, "message.burn", { conversationId, seq, messageId })),
      tell: async ({ messageId, readerId, isShown }) =>
        void (await call(broker, "message.announce", { messageId, ...(!isShown && { userId: readerId }) })),
      onBurnt: (lateMs) => {
        metrics.increment("im_burnt_total");
        metrics.observe("im_burn_lateness_seconds", lateMs / 1_000);
      },
      now: Date.now,
    };
    const holder = `${broker.nodeID}:${randomUUID()}`;
    const upkeep: UpkeepDeps = { leases: hot.leases, holder, now: Date.now };
    this.runner = new DueRunner({
      jobs: [
        { hasDue: () => due.hasDue(Date.now()), run: (term) => sendDue(sending, term) },
        { hasDue: () => timers.hasDue(Date.now()), run: (term) => burnDue(burning, term) },
        repairing(upkeep, timers),
        pruning(upkeep, (before, limit) => due.prune(before, limit)),
      ],
      leases: hot.leases,
      holder,
      everyMs: (this.settings as { everyMs: number }).everyMs,
      logger,
    });
    measureLate(metrics, { scheduled: due, burns: timers }, Date.now);
    onDrain(broker, DRAIN.intake, () => this.runner.close());
    this.runner.start();
  },
  async stopped() {
    await this.runner?.close();
  },
});
