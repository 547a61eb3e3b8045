/**
 * Accounts and profiles (A1, A4, A5): register, change, find, delete, export; checks passwords for auth.
 *
 * It owns the table `user` and no other: sessions are auth's, privacy is settings', and what other services keep of a user
 * they erase themselves on `im.user.deleted`.
 * Every change that others must hear of is an event in the transaction that makes it. Ending sessions is asked of auth at
 * once, after the commit; should that fail, auth does it on the event.
 */
import type { CallingOptions, Context } from "moleculer";
import type { Caller, Meta } from "../../contracts/meta.ts";
import { createGuessGuard, unguarded, type GuessGuard } from "../../lib/guess-guard.ts";
import { cutPage } from "../../lib/page.ts";
import { callerOf, defineService, type Calls } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { authenticate, credentialHolds } from "./authenticate.ts";
import { changePassword } from "./change-password.ts";
import { deleteAccount } from "./delete-account.ts";
import type { UserDeps } from "./deps.ts";
import { setDisabled } from "./disable.ts";
import { exportData } from "./export-data.ts";
import { activeAmong, getUser, getUsers, idOf, idsAfter, searchUsers } from "./find-users.ts";
import { changeProfile, ownAccount } from "./profile.ts";
import { register } from "./register.ts";
import { countActive, toOwnUser } from "./repository.ts";

interface Vars extends DatabaseVars, OutboxVars, IdsVars, HotStoreVars {
  guard: GuessGuard;
}

export default defineService<"user", Vars>()({
  name: "user",
  mixins: [withDatabase(), withOutbox(), withIds(), withHotStore()],

  methods: {
    deps(ctx: Context<object, Meta>): UserDeps {
      const { sql, outbox, ids, guard, logger } = this;
      const config = configOf(this.broker);
      return {
        sql,
        outbox,
        ids,
        guard,
        config,
        limits: this.hot.limits,
        calls: ctx,
        now: Date.now,
        requestId: ctx.requestID ?? null,
        warn: (message) => logger.warn(message),
      };
    },
    /** Calls on behalf of a caller that go on when the action has answered: those of its context end with its time-out. */
    callsAs(caller: Caller, requestID: string | null): Calls {
      const { broker } = this;
      return {
        call: (name: string, params?: unknown, options?: CallingOptions) =>
          broker.call(name, params, { ...options, meta: { caller }, ...(requestID !== null && { requestID }) }),
      };
    },
  },

  actions: {
    register(ctx) {
      return register(this.deps(ctx), ctx.params);
    },
    async me(ctx) {
      return toOwnUser(await ownAccount(this, callerOf(ctx).userId));
    },
    updateProfile(ctx) {
      return changeProfile(this.deps(ctx), callerOf(ctx).userId, ctx.params);
    },
    async changePassword(ctx) {
      await changePassword(this.deps(ctx), callerOf(ctx), ctx.params);
      return null;
    },
    async deleteMe(ctx) {
      await deleteAccount(this.deps(ctx), callerOf(ctx).userId);
      return null;
    },
    exportMe(ctx) {
      const caller = callerOf(ctx);
      return exportData({ ...this.deps(ctx), calls: this.callsAs(caller, ctx.requestID) }, caller);
    },
    get(ctx) {
      return getUser(this, ctx.params.userId);
    },
    async search(ctx) {
      return cutPage(await searchUsers(this.deps(ctx), callerOf(ctx).userId, ctx.params.keyword), ctx.params);
    },
    getMany(ctx) {
      return getUsers(this, ctx.params.userIds);
    },
    activeAmong(ctx) {
      return activeAmong(this, ctx.params.userIds);
    },
    idsAfter(ctx) {
      return idsAfter(this, ctx.params);
    },
    count(ctx) {
      return countActive(this.sql, ctx.params);
    },
    authenticate(ctx) {
      return authenticate(this.deps(ctx), ctx.params);
    },
    credentialHolds(ctx) {
      return credentialHolds(this, ctx.params);
    },
    async setDisabled(ctx) {
      await setDisabled(this.deps(ctx), ctx.params);
      return null;
    },
    idOf(ctx) {
      return idOf(this, ctx.params.username);
    },
  },

  async started() {
    this.guard = configOf(this.broker).rateLimits ? createGuessGuard(this.hot.limits) : unguarded;
  },
});
