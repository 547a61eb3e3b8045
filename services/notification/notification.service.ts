/**
 * Notification centre (G2): what happened to a user while they looked or not. It owns the table `notification` and what its
 * texts say; not what is notified: other services' events, and `notification.notify`, decide that.
 *
 * Each event is stored once for each user, however often it comes, and pushed as `notification:new` when it was stored; who is
 * offline finds it in the list. Texts are made when they are read, in the reader's language.
 */
import type { Context } from "moleculer";
import { callerOf, defineService, type Calls } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withSubscriptions, type DomainEvent } from "../../mixins/event-stream/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import type { NotificationDeps } from "./deps.ts";
import * as notices from "./notices.ts";
import { notifyUsers, type Notice } from "./notify-users.ts";
import { exportNotifications, listNotifications, markRead } from "./read-notifications.ts";
import { countUnread, eraseNotifications } from "./repository.ts";

type Vars = DatabaseVars & IdsVars & { deps(ctx?: Context): NotificationDeps };

/** Handles an event by notifying those whom `noticeOf` names. */
function tells<P>(noticeOf: (calls: Calls, payload: P) => Promise<Notice | null>) {
  return async function (this: Vars, { eventId, payload }: DomainEvent<P>): Promise<void> {
    const deps = this.deps();
    const notice = await noticeOf(deps.calls, payload);
    if (notice) await notifyUsers(deps, eventId, notice);
  };
}

export default defineService<"notification", Vars>()({
  name: "notification",
  mixins: [
    withDatabase(),
    withIds(),
    withSubscriptions<Vars>({
      consumer: "notification",
      handlers: {
        "im.friend.request.sent": tells(notices.friendRequestSent),
        "im.friend.request.handled": tells(notices.friendRequestHandled),
        "im.group.invitation.sent": tells(notices.groupInvitationSent),
        "im.group.invitation.handled": tells(notices.groupInvitationHandled),
        "im.group.join.requested": tells(notices.groupJoinRequested),
        "im.group.join.handled": tells(notices.groupJoinHandled),
        "im.group.changed": tells(notices.groupChanged),
        "im.group.member.left": tells(notices.groupChanged),
        async "im.user.deleted"({ payload }) {
          await eraseNotifications(this.sql, payload.userId);
        },
      },
    }),
  ],
  methods: {
    deps(ctx?: Context): NotificationDeps {
      const { sql, ids } = this;
      return { sql, ids, calls: ctx ?? this.broker, now: Date.now };
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
      return { count: await markRead(this.deps(ctx), callerOf(ctx).userId, ctx.params) };
    },
    async notify(ctx) {
      const { eventId, ...notice } = ctx.params;
      await notifyUsers(this.deps(ctx), eventId, notice);
      return null;
    },
    exportOf(ctx) {
      return exportNotifications(this.deps(ctx), ctx.params);
    },
  },
});
