/**
 * Sign-in and sessions (A1, A2, A6): login, renewal, devices, and the check of each request's access token.
 *
 * It owns `session` and `refresh_token`. Passwords are the user service's. SQL is the truth about sessions; the hot store
 * answers for it on each request and is loaded from SQL when it does not know, so that a restart signs nobody out.
 * Ending a session: SQL and event in one transaction, then the hot store and a hint to the gateways, which also look by
 * themselves, as each auth node does: an ending counts everywhere within seconds, whatever becomes of the hot store and the
 * hint. What a crash cuts off, the events bring again.
 */
import type { Service } from "moleculer";
import { SESSION_CHECK_EVERY_MS } from "../../config/limits.ts";
import { createGuessGuard, unguarded, type GuessGuard } from "../../lib/guess-guard.ts";
import { isImError } from "../../lib/errors.ts";
import { cutPage } from "../../lib/page.ts";
import { broadcast, callerOf, defineService } from "../../lib/service.ts";
import { tokenKeys, type TokenKeys } from "../../lib/token-keys.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { configOf } from "../../mixins/shared.ts";
import type { AuthDeps } from "./deps.ts";
import { endDevice, listDevices } from "./devices.ts";
import { endSessions } from "./end-sessions.ts";
import { endedAmong } from "./ended-among.ts";
import { login } from "./login.ts";
import { pruneSessions } from "./prune.ts";
import { createRecentEndings, type RecentEndings } from "./recent-endings.ts";
import { refresh } from "./refresh.ts";
import { findEndReasons, findLastSeen, forgetDevices, markSeen } from "./repository.ts";
import { createSeenRecorder, type SeenRecorder } from "./seen.ts";
import { verify } from "./verify.ts";

const FLUSH_SEEN_EVERY_MS = 5_000;
const PRUNE_EVERY_MS = 3_600_000;

interface Vars extends DatabaseVars, OutboxVars, IdsVars, HotStoreVars {
  guard: GuessGuard;
  keys: TokenKeys;
  seen: SeenRecorder;
  endings: RecentEndings;
  timers: NodeJS.Timeout[];
}

function depsOf({ sql, outbox, ids, hot, guard, keys, logger, broker }: Service & Vars): AuthDeps {
  return {
    sql,
    outbox,
    ids,
    guard,
    keys,
    sessions: hot.sessions,
    config: configOf(broker),
    now: Date.now,
    tellEnded: (event) => broadcast(broker, "session.ended", event),
    warn: (message) => logger.warn(message),
  };
}

/** Repairs what a crash after the commit of a change cut off. Sessions made after the change stay. */
const repairs = withSubscriptions<Vars>({
  consumer: "auth",
  handlers: {
    async "im.user.password.changed"({ payload: { userId, exceptSessionId }, at }) {
      await endSessions(depsOf(this), { userId, exceptSessionId, madeUpTo: at }, "password_changed");
    },
    async "im.user.disabled"({ payload: { userId }, at }) {
      await endSessions(depsOf(this), { userId, madeUpTo: at }, "disabled");
    },
    async "im.user.deleted"({ payload: { userId } }) {
      await endSessions(depsOf(this), { userId }, "deleted");
      await forgetDevices(this.sql, userId);
    },
    async "im.user.session.ended"({ payload: { sessionIds } }) {
      // While the hot store is away, what each node with auth reads in SQL holds: nothing needs to be tried again.
      await this.hot.sessions.end(sessionIds).catch((error: unknown) => {
        if (!isImError(error, "UNAVAILABLE")) throw error;
      });
    },
  },
});

export default defineService<"auth", Vars>()({
  name: "auth",
  mixins: [repairs, withDatabase(), withOutbox(), withIds(), withHotStore()],

  actions: {
    login(ctx) {
      return login(depsOf(this), ctx, ctx.meta.address ?? null, ctx.params);
    },
    refresh(ctx) {
      return refresh(depsOf(this), ctx.params.refreshToken);
    },
    async logout(ctx) {
      const { userId, sessionId } = callerOf(ctx);
      await endSessions(depsOf(this), ctx.params.all ? { userId } : { userId, sessionId }, "logout");
      return null;
    },
    async devices(ctx) {
      return cutPage(await listDevices(depsOf(this), ctx, callerOf(ctx)), ctx.params);
    },
    async endDevice(ctx) {
      await endDevice(depsOf(this), callerOf(ctx).userId, ctx.params.deviceId);
      return null;
    },
    verify(ctx) {
      const { endings, seen } = this;
      return verify({ ...depsOf(this), endings, saw: (sessionId) => seen.saw(sessionId) }, ctx.params.token);
    },
    endedAmong(ctx) {
      return endedAmong(depsOf(this), this.endings, ctx.params.sessionIds);
    },
    endReasons(ctx) {
      return findEndReasons(this.sql, ctx.params.sessionIds);
    },
    async endSessions(ctx) {
      const { reason, ...choice } = ctx.params;
      return { ended: await endSessions(depsOf(this), choice, reason) };
    },
    seen(ctx) {
      this.seen.note(ctx.params.items);
      return null;
    },
    lastSeenOf(ctx) {
      return findLastSeen(this.sql, ctx.params.userIds);
    },
  },

  async started() {
    const config = configOf(this.broker);
    this.keys = tokenKeys(config.jwtSecret, config.jwtPreviousSecret);
    this.guard = config.rateLimits ? createGuessGuard(this.hot.limits) : unguarded;
    this.seen = createSeenRecorder((seen) => markSeen(this.sql, seen), Date.now);
    this.endings = createRecentEndings(depsOf(this));
    const every = (ms: number, work: () => Promise<void>): NodeJS.Timeout =>
      setInterval(
        () => void work().catch((error: unknown) => this.logger.warn("Housekeeping of sessions failed:", error)),
        ms,
      ).unref();
    const lookForEndings = (): void => void this.endings.read().catch(() => undefined); // the next look is soon
    this.timers = [
      setInterval(lookForEndings, SESSION_CHECK_EVERY_MS).unref(),
      every(FLUSH_SEEN_EVERY_MS, () => this.seen.flush()),
      every(PRUNE_EVERY_MS, () => pruneSessions(this.sql, Date.now())),
    ];
  },

  async stopped() {
    for (const timer of this.timers ?? []) clearInterval(timer);
    await this.seen?.flush().catch((error: unknown) => this.logger.warn("Last uses of sessions were not stored:", error));
  },
});
