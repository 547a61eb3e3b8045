/**
 * Messages: checking and accepting what people send, reading it back, changing it afterwards.
 *
 * Owns the tables message, message_edit, message_hidden, message_pin, reaction and favorite (a recall takes what people keep along). It does not own who belongs to a conversation and
 * what they may see of it (conversation), nor does it write message rows (persister) or sockets (socket).
 *
 * Sending: check → accept in the hot store (PENDING, seq) → append to the log → acknowledge → push. See FLOW.md.
 * What was acknowledged is in the log; the same clientMsgId gives the same answer on any day.
 */
import { CONVERSATION_PACE } from "../../config/limits.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { onDrain, DRAIN } from "../../mixins/drain.ts";
import { toWireError } from "../../lib/errors.ts";
import { push } from "../../lib/push.ts";
import { call, callerOf, defineService } from "../../lib/service.ts";
import { Turns } from "../../lib/turns.ts";
import { withChangeLog, type ChangeLogVars } from "../../mixins/change-log/index.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import type { Tx } from "../../mixins/database/port.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { erasedAmong, erasedAuthors, markErased, withMessageLog, type MessageLogVars } from "../../mixins/message-log/index.ts";
import { withMetrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { tracingOf } from "../../mixins/tracing/index.ts";
import { AcceptQueue } from "./accept-queue.ts";
import { announce, burnMessage } from "./burning.ts";
import { addReaction, deleteForMe, editMessage, recallMessage, removeReaction, type ChangeDeps } from "./change.ts";
import { readEdits } from "./edits.ts";
import { eraseMessages, type EraseDeps } from "./erase.ts";
import { ErasureRepository } from "./erasure-repository.ts";
import { FavoriteRepository } from "./favorite-repository.ts";
import { addFavorite, listFavorites, removeFavorite, type FavoriteDeps } from "./favorites.ts";
import { snapshotForward } from "./forward.ts";
import { readHistory } from "./history.ts";
import { LiveMessages } from "./live-messages.ts";
import { LiveSeveral } from "./live-several.ts";
import { explainMessage, exportMessages, readReaders } from "./people.ts";
import { announcePin, pinMessage, readPins, unpinMessage } from "./pins.ts";
import { NewMessagePushes } from "./push-new.ts";
import { quotedMessage, quoteForAll } from "./quotes.ts";
import { readmit, type ReadmitDeps } from "./readmit.ts";
import { checkSend, sendMessage, sendSystemMessage, type SendDeps } from "./send.ts";
import { readPages, readViews, type SeveralDeps } from "./pages.ts";
import { readHeads, readSummaries, readUnreadIn } from "./summaries.ts";
import { isThreadRoot, readThread } from "./threads.ts";
import { checkMayWrite } from "./visible.ts";

interface Vars extends ChangeLogVars, DatabaseVars, HotStoreVars, IdsVars, MessageLogVars, MetricsVars, OutboxVars {
  deps: ChangeDeps & FavoriteDeps & ReadmitDeps & SendDeps & SeveralDeps;
  erasing: EraseDeps;
}

const mine = (ctx: Parameters<typeof callerOf>[0] & { params: { messageId: string } }) => ({
  messageId: ctx.params.messageId,
  userId: callerOf(ctx).userId,
});

export default defineService<"message", Vars>()({
  name: "message",
  mixins: [
    withChangeLog(),
    withDatabase(),
    withHotStore(),
    withIds(),
    withMessageLog(),
    withMetrics(),
    withOutbox(),
    withSubscriptions<Vars>({
      consumer: "message",
      handlers: {
        async "im.user.deleted"(event) {
          await eraseMessages(this.erasing, event.payload.userId);
        },
        async "im.message.pinned"(event) {
          await announcePin(this.deps, event);
        },
      },
    }),
  ],
  actions: {
    async send(ctx) {
      const startedAt = performance.now();
      const { params, requestID: requestId } = ctx;
      const { connectionId } = ctx.meta;
      try {
        const { result, repeated } = await sendMessage(this.deps, {
          senderId: callerOf(ctx).userId,
          params,
          connectionId,
          requestId,
        });
        if (repeated) ctx.meta.repeated = true;
        this.metrics.observe("im_send_duration_seconds", (performance.now() - startedAt) / 1000);
        return result;
      } catch (error) {
        this.metrics.increment("im_messages_refused_total", 1, { reason: toWireError(error).type });
        throw error;
      }
    },
    async checkSend(ctx) {
      await checkSend(this.deps, { senderId: callerOf(ctx).userId, params: ctx.params });
      return null;
    },
    async burn(ctx) {
      await burnMessage(this.deps, ctx.params);
      return null;
    },
    async announce(ctx) {
      await announce(this.deps, ctx.params);
      return null;
    },
    history(ctx) {
      return readHistory(this.deps, callerOf(ctx).userId, ctx.params);
    },
    thread(ctx) {
      return readThread(this.deps, callerOf(ctx).userId, ctx.params);
    },
    edits(ctx) {
      return readEdits(this.deps, callerOf(ctx).userId, ctx.params);
    },
    pin(ctx) {
      return pinMessage(this.deps, mine(ctx));
    },
    unpin(ctx) {
      return unpinMessage(this.deps, mine(ctx));
    },
    pins(ctx) {
      return readPins(this.deps, callerOf(ctx).userId, ctx.params);
    },
    async addFavorite(ctx) {
      const { favorite, repeated } = await addFavorite(this.deps, mine(ctx));
      if (repeated) ctx.meta.repeated = true;
      return favorite;
    },
    favorites(ctx) {
      return listFavorites(this.deps, callerOf(ctx).userId, ctx.params);
    },
    removeFavorite(ctx) {
      return removeFavorite(this.deps, callerOf(ctx).userId, ctx.params.favoriteId);
    },
    recall(ctx) {
      return recallMessage(this.deps, mine(ctx));
    },
    edit(ctx) {
      return editMessage(this.deps, { ...mine(ctx), content: ctx.params.content });
    },
    deleteForMe(ctx) {
      return deleteForMe(this.deps, mine(ctx));
    },
    react(ctx) {
      return addReaction(this.deps, { ...mine(ctx), emoji: ctx.params.emoji });
    },
    unreact(ctx) {
      return removeReaction(this.deps, { ...mine(ctx), emoji: ctx.params.emoji });
    },
    readers(ctx) {
      return readReaders(this.deps, mine(ctx));
    },
    sendSystem(ctx) {
      return sendSystemMessage(this.deps, ctx.params, ctx.requestID);
    },
    heads(ctx) {
      return readHeads(this.deps, ctx.params);
    },
    unread(ctx) {
      return readUnreadIn(this.deps, ctx.params);
    },
    summaries(ctx) {
      return readSummaries(this.deps, ctx.params);
    },
    pages(ctx) {
      return readPages(this.deps, ctx.params);
    },
    views(ctx) {
      return readViews(this.deps, ctx.params);
    },
    async eraseOf(ctx) {
      await eraseMessages(this.erasing, ctx.params.userId);
      return null;
    },
    exportOf(ctx) {
      return exportMessages(this.deps, ctx.params);
    },
    exportFavorites(ctx) {
      const { userId, before = null, limit } = ctx.params;
      return this.deps.favorites.of(userId, before, limit);
    },
    readmit(ctx) {
      return readmit(this.deps, ctx.params.record as unknown as MessageRecord);
    },
    explain(ctx) {
      return explainMessage(this.deps, ctx.params.messageId);
    },
  },
  async started() {
    const { broker, changes, hot, ids, log, logger, metrics, outbox, sql } = this;
    const { recallLimitMs, editLimitMs, rateLimits } = configOf(broker);
    const repository = new LiveMessages(sql, {
      conversations: hot.conversations,
      erasedAmong: (userIds) => erasedAmong(sql, userIds),
    });
    const pushes = new NewMessagePushes({
      push: (deliveries) => push(broker, deliveries),
      quote: (conversationId, reply) => quoteForAll({ repository, calls: broker }, conversationId, reply),
    });
    let cursorsTold: Promise<unknown> = Promise.resolve();
    const queue = new AcceptQueue({
      conversations: hot.conversations,
      log,
      metrics,
      now: Date.now,
      pace: rateLimits ? CONVERSATION_PACE : null,
      lookUp: (requests) => repository.knownOf(requests),
      warm: (conversationId) => call(broker, "conversation.warm", { conversationId }),
      onLogged(items) {
        pushes.push(items);
        const sent = items
          .filter(({ record }) => record.type !== "system")
          .map(({ record }) => ({ conversationId: record.conversationId, userId: record.senderId, seq: record.seq }));
        if (sent.length === 0) return;
        cursorsTold = call(broker, "conversation.sent", { items: sent }).catch((error: unknown) => {
          logger.debug("Senders' cursors did not move", error);
          return null;
        });
      },
    });
    const turns = new Turns();
    const tracing = tracingOf(broker);
    const favorites = new FavoriteRepository(sql);
    const visible = { repository, conversations: hot.conversations, calls: broker };
    this.deps = {
      ...visible,
      several: new LiveSeveral(sql, repository),
      favorites,
      queue,
      turns,
      ids,
      recallLimitMs,
      editLimitMs,
      now: Date.now,
      changes,
      checkMaySend: (conversationId, senderId) => checkMayWrite(visible, conversationId, senderId, Date.now()),
      quoted: (conversationId, messageId, userId) => quotedMessage(visible, conversationId, messageId, userId),
      isThreadRoot: (conversationId, messageId, userId) => isThreadRoot(visible, conversationId, messageId, userId),
      snapshot: (content, userId) => snapshotForward(visible, content, userId),
      userExists: async (userId) => (await call(broker, "user.activeAmong", { userIds: [userId] })).length > 0,
      mayMentionAll: (groupId, userId) => call(broker, "group.mayMentionAll", { groupId, userId }),
      traceparent: () => tracing.traceparent(),
      erasedAuthors: (record, tx) => erasedAuthors(sql, [record], tx),
      isErased: async (userId: string, tx?: Tx) => (await erasedAmong(sql, [userId], tx)).size > 0,
      isKnown: async (conversationId, senderId, clientMsgId) =>
        (await repository.known(conversationId, senderId, clientMsgId)) !== null,
      erasedAmong: (userIds, tx) => erasedAmong(sql, userIds, tx),
      addEvent: async (tx, event) => void (await outbox.add(tx, event)),
    };
    this.erasing = {
      repository: new ErasureRepository(sql, changes),
      favorites,
      calls: broker,
      log,
      markErased: (userId) => markErased(sql, userId, Date.now()),
      now: Date.now,
    };
    metrics.gauge("im_pending_messages", async () => (await hot.conversations.pendingStats()).count);
    metrics.gauge("im_pending_oldest_age_seconds", async () => {
      const { oldestAt } = await hot.conversations.pendingStats();
      return oldestAt === null ? 0 : (Date.now() - oldestAt) / 1000;
    });
    onDrain(broker, DRAIN.sends, async () => {
      await turns.idle();
      await queue.idle();
      await Promise.all([pushes.idle(), cursorsTold]);
    });
  },
});
