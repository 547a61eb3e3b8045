/**
 * Privacy and do-not-disturb settings (A9): a plain table behind actions. It owns `user_setting`; who lets whom do what by
 * these settings is decided where it is done. A change is one transaction with its event in the outbox. A deleted user's row
 * is erased on the event.
 */
import type { Result } from "../../contracts/index.ts";
import { callerOf, defineService } from "../../lib/service.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { tableMixin, type TableVars } from "../../mixins/table/index.ts";
import { defineSettings, type UserSetting } from "./setting-model.ts";
import { changeSettings, DEFAULT_SETTINGS, forgetSettings, settingsOf } from "./settings.ts";

type Vars = TableVars<UserSetting> & OutboxVars;

export default defineService<"settings", Vars>()({
  name: "settings",
  mixins: [
    withSubscriptions<Vars>({
      consumer: "settings",
      handlers: {
        async "im.user.deleted"({ payload }) {
          await forgetSettings(this.model, payload.userId);
        },
      },
    }),
    tableMixin({ model: defineSettings, idField: "userId", notFound: "USER_NOT_FOUND", conflict: "UNAVAILABLE" }),
    withOutbox(),
  ],

  actions: {
    async get(ctx): Promise<Result<"settings.get">> {
      const { userId } = callerOf(ctx);
      return (await settingsOf(this.model, [userId]))[userId] ?? DEFAULT_SETTINGS;
    },
    update(ctx) {
      const { sql, outbox, model } = this;
      return changeSettings({ sql, outbox, model, requestId: ctx.requestID ?? null }, callerOf(ctx).userId, ctx.params);
    },
    of(ctx) {
      return settingsOf(this.model, ctx.params.userIds);
    },
  },
});
