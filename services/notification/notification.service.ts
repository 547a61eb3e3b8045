/**
 * Notification centre (G2) and system broadcasts (G4): what happened to a user while they looked or not. It owns the tables
 * `notification`, `notification_gone` and `broadcast`, and what their texts say; not what is notified: other services' events,
 * `notification.notify` and operators decide that.
 *
 * Each event is stored once for each user, however often it comes, and pushed as `notification:new` when it was stored; who is
 * offline finds it in the list. Texts are made when they are read, in the reader's language. The newest
 * `MAX_NOTIFICATIONS_KEPT` of each user are kept. A broadcast goes on in the background, on one node at a time.
 */
import { randomUUID } from "node:crypto";
import type { Context } from "moleculer";
import {
  BROADCAST_LOOK_EVERY_MS,
  BROADCAST_MAX_OUTBOX,
  BROADCAST_MAX_PENDING,
  BROADCAST_MAX_PENDING_AGE_MS,
} from "../../config/limits.ts";
import { callerOf, defineService, type Calls } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withSubscriptions, type DomainEvent } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { broadcastStatus, cancelBroadcast, listBroadcasts } from "./broadcast/follow.ts";
import { BroadcastRunner } from "./broadcast/runner.ts";
import { startBroadcast } from "./broadcast/start.ts";
import type { NotificationDeps } from "./deps.ts";
import * as notices from "./notices.ts";
import { CONSUMER, notifyOfEvent, notifyUsers, type Notice } from "./notify-users.ts";
import { exportNotifications, listNotifications, markRead } from "./read-notifications.ts";
import { countUnread, eraseNotifications } from "./repository.ts";

interface Vars extends DatabaseVars, IdsVars, HotStoreVars, OutboxVars {
  runner: BroadcastRunner;
  deps(ctx?: Context): NotificationDeps;
}

/** Handles an event by notifying those whom `noticeOf` names. */
function tells<P>(noticeOf: (calls: Calls, payload: P, at: number) => Promise<Notice | null>) {
  return async function (this: Vars, { eventId, payload, at }: DomainEvent<P>): Promise<void> {
    const deps = this.deps();
    const notice = await noticeOf(deps.calls, payload, at);
    if (notice) await notifyOfEvent(deps, eventId, notice);
  };
}

export default defineService<"notification", Vars>()({
  name: "notification",
  mixins: [
    withDatabase(),
    withIds(),
    withHotStore(),
    withOutbox(),
    withSubscriptions<Vars>({
      consumer: CONSUMER,
      handlers: {
        "im.user.device.added": tells(notices.deviceAdded),
        "im.friend.request.sent": tells(notices.friendRequestSent),
        "im.friend.request.handled": tells(notices.friendRequestHandled),
        "im.group.invitation.sent": tells(notices.groupInvitationSent),
        "im.group.invitation.handled": tells(notices.groupInvitationHandled),
        "im.group.join.requested": tells(notices.groupJoinRequested),
        "im.group.join.handled": tells(notices.groupJoinHandled),
        "im.group.changed": tells(notices.groupChanged),
        "im.group.member.joined": tells(notices.groupChanged),
        "im.group.member.left": tells(notices.groupChanged),
        "im.message.schedule.failed": tells(notices.scheduleFailed),
        async "im.user.deleted"({ payload }) {
          await eraseNotifications(this.sql, payload.userId, Date.now());
        },
      },
    }),
  ],
  methods: {
    deps(ctx?: Context): NotificationDeps {
      const { sql, ids } = this;
      return { sql, ids, calls: ctx ?? this.broker, now: Date.now };
    },
    /** Whether events or messages wait, which go before broadcasts. */
    async isBehind(): Promise<boolean> {
      const [events, messages] = await Promise.all([this.outbox.lag(), this.hot.conversations.pendingStats()]);
      const age = messages.oldestAt === null ? 0 : Date.now() - messages.oldestAt;
      return events.count > BROADCAST_MAX_OUTBOX || messages.count > BROADCAST_MAX_PENDING || age > BROADCAST_MAX_PENDING_AGE_MS;
    },
  },
  actions: {
    list(ctx) {
      return listNotifications(this.deps(ctx), { userId: callerOf(ctx).userId, language: ctx.meta.language }, ctx.params);
    },
    async unreadCount(ctx) {
      return { count: await countUnread(this.sql, callerOf(ctx).userId) };
    },
    async markRead(ctx) {
      return { count: await markRead(this.deps(ctx), callerOf(ctx), ctx.params) };
    },
    async notify(ctx) {
      const { eventId, ...notice } = ctx.params;
      await notifyUsers(this.deps(ctx), eventId, notice);
      return null;
    },
    async broadcast(ctx) {
      const broadcastId = await startBroadcast(this.deps(ctx), ctx.params);
      this.runner.kick();
      return { broadcastId };
    },
    broadcasts(ctx) {
      return listBroadcasts(this.sql, ctx.params);
    },
    broadcastStatus(ctx) {
      return broadcastStatus(this.sql, ctx.params.broadcastId);
    },
    cancelBroadcast(ctx) {
      return cancelBroadcast(this.sql, ctx.params.broadcastId, Date.now());
    },
    exportOf(ctx) {
      return exportNotifications(this.deps(ctx), ctx.params);
    },
  },
  async started() {
    const { broker, hot, logger } = this;
    this.runner = new BroadcastRunner({
      deps: this.deps(),
      leases: hot.leases,
      holder: `${broker.nodeID}:${randomUUID()}`,
      isBehind: () => this.isBehind(),
      logger,
      everyMs: BROADCAST_LOOK_EVERY_MS,
    });
  },
  async stopped() {
    await this.runner?.stop();
  },
});
