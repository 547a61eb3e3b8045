/**
 * Conversations: who sees which part of one, how far each person has got, and what is theirs alone (pin, mute, draft).
 *
 * Owns the table conversation_member and the members' states in the hot store, which it makes from the contracts of friend
 * and group. It owns neither messages (message) nor memberships as such (group, friend).
 *
 * A cursor that was answered is committed; cursors only move forward; unread is derived from them and never counted up.
 * What changes in a user's list comes to all their devices with the version of its commit; receipts go out together.
 */
import { MAX_GROUP_MEMBERS } from "../../contracts/limits.ts";
import { coalesce } from "../../lib/coalesce.ts";
import { headOf } from "../../lib/conversation-head.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { push, type Deliveries } from "../../lib/push.ts";
import { call, callerOf, defineService } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { DRAIN, onDrain } from "../../mixins/drain.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { accessOf, memberRow } from "./access.ts";
import { readBadge } from "./badge.ts";
import { CursorWriter, markCursor, SentCursors, type CursorDeps } from "./cursors.ts";
import { rowsForSync, viewMany } from "./for-sync.ts";
import { listConversations } from "./list.ts";
import { refreshMembers, warmConversation } from "./members.ts";
import { clearConversation, openConversation, updateConversation } from "./own-state.ts";
import { readReadersOf, readReceipts } from "./readers.ts";
import { ReceiptPushes } from "./receipts.ts";
import { ConversationRepository } from "./repository.ts";
import { tellTyping } from "./typing.ts";

interface Vars extends DatabaseVars, HotStoreVars {
  deps: CursorDeps;
}

export default defineService<"conversation", Vars>()({
  name: "conversation",
  mixins: [
    withDatabase(),
    withHotStore(),
    withSubscriptions<Vars>({
      consumer: "conversation",
      handlers: {
        async "im.friend.request.handled"({ payload: { accepted, fromUserId, toUserId } }) {
          if (accepted) await refreshMembers(this.deps, directConversationId(fromUserId, toUserId), [fromUserId, toUserId]);
        },
        async "im.friend.removed"({ payload: { userId, peerId } }) {
          await refreshMembers(this.deps, directConversationId(userId, peerId), [userId, peerId]);
        },
        async "im.friend.block.changed"({ payload: { userId, peerId } }) {
          await refreshMembers(this.deps, directConversationId(userId, peerId), [userId, peerId]);
        },
        async "im.user.deleted"({ payload: { userId } }) {
          await this.deps.repository.forgetDrafts(userId);
        },
      },
    }),
  ],
  actions: {
    list(ctx) {
      return listConversations(this.deps, callerOf(ctx).userId, ctx.params);
    },
    unread(ctx) {
      return readBadge(this.deps, callerOf(ctx).userId);
    },
    open(ctx) {
      return openConversation(this.deps, callerOf(ctx).userId, ctx.params.userId);
    },
    update(ctx) {
      return updateConversation(this.deps, callerOf(ctx).userId, ctx.params);
    },
    async clear(ctx) {
      await clearConversation(this.deps, callerOf(ctx).userId, ctx.params.conversationId);
      return null;
    },
    markRead(ctx) {
      return markCursor(this.deps, {
        ...ctx.params,
        userId: callerOf(ctx).userId,
        kind: "read",
        connectionId: ctx.meta.connectionId,
      });
    },
    markDelivered(ctx) {
      return markCursor(this.deps, {
        ...ctx.params,
        userId: callerOf(ctx).userId,
        kind: "delivered",
        connectionId: ctx.meta.connectionId,
      });
    },
    receipts(ctx) {
      return readReceipts(this.deps, callerOf(ctx).userId, ctx.params);
    },
    typing(ctx) {
      const { limits } = this.hot;
      return tellTyping({ ...this.deps, limits }, callerOf(ctx).userId, ctx.params);
    },
    async access(ctx) {
      return accessOf(await memberRow(this.deps, ctx.params.userId, ctx.params.conversationId));
    },
    warm(ctx) {
      return warmConversation(this.deps, ctx.params.conversationId);
    },
    async refreshMembers(ctx) {
      await refreshMembers(this.deps, ctx.params.conversationId, ctx.params.userIds);
      return null;
    },
    async admit(ctx) {
      const { conversationId, userIds, historyVisible, quiet } = ctx.params;
      const [head] = await call(ctx, "message.heads", { items: [{ conversationId, maxSeq: null }] });
      const seq = head?.maxSeq ?? 0;
      await this.deps.repository.memberships.admit({ conversationId, userIds, seq, at: Date.now() }, historyVisible);
      if (quiet && (await this.deps.repository.memberships.activeAmong(conversationId, userIds)).size < userIds.length)
        throw imError("UNAVAILABLE");
      return { head: seq };
    },
    async joined(ctx) {
      const { historyVisible, admittedBehind, ...membership } = ctx.params;
      await this.deps.repository.memberships.join({ ...membership, at: Date.now() }, { historyVisible, admittedBehind });
      return null;
    },
    async leaving(ctx) {
      const { conversationId, userIds, quiet, seq = await headOf(ctx, conversationId) } = ctx.params;
      await this.deps.repository.memberships.closeFor({ conversationId, userIds, seq, at: Date.now() });
      await refreshMembers(this.deps, conversationId, userIds);
      if (quiet && (await this.deps.repository.memberships.activeAmong(conversationId, userIds)).size > 0)
        throw imError("UNAVAILABLE");
      return { head: seq };
    },
    async left(ctx) {
      const { closedAt, seq = await headOf(ctx, ctx.params.conversationId), ...who } = ctx.params;
      await this.deps.repository.memberships.leave({ ...who, seq, at: Date.now() }, closedAt);
      return null;
    },
    roomsOf(ctx) {
      return this.deps.repository.activeGroups(ctx.params.userId);
    },
    sent(ctx) {
      const at = Date.now();
      this.deps.writer.sent(
        ctx.params.items.map(({ conversationId, userId, seq }) => ({
          conversationId,
          userId,
          readSeq: seq,
          shownSeq: seq,
          deliveredSeq: seq,
          toldSeq: seq,
          at,
        })),
      );
      return null;
    },
    readersOf(ctx) {
      return readReadersOf(this.deps, ctx.params);
    },
    blindTo(ctx) {
      const { conversationId, seq, limit = MAX_GROUP_MEMBERS } = ctx.params;
      return this.deps.repository.blindTo(conversationId, seq, limit);
    },
    forSync(ctx) {
      return rowsForSync(this.deps, ctx.params.userId);
    },
    viewMany(ctx) {
      return viewMany(this.deps, ctx.params);
    },
    idsOf(ctx) {
      return this.deps.repository.idsOf(ctx.params.userId);
    },
    async exportOf(ctx) {
      const rows = await this.deps.repository.ofUser(ctx.params.userId);
      return {
        conversations: rows.map((row) => ({
          conversationId: row.conversation_id,
          readSeq: Number(row.read_seq),
          deliveredSeq: Number(row.delivered_seq),
          pinned: row.pinned === 1,
          muted: row.muted === 1,
          draft: row.draft,
        })),
      };
    },
  },
  async started() {
    const { broker, hot, logger, sql } = this;
    const sent = new SentCursors();
    const repository = new ConversationRepository(sql, sent);
    const writer = new CursorWriter(repository, sent, (error) => logger.warn("Senders' cursors could not be written", error));
    const pushAll = coalesce((deliveries: readonly Deliveries[number][]) => push(broker, [...deliveries]));
    const receipts = new ReceiptPushes(pushAll);
    this.deps = { repository, writer, receipts, push: pushAll, conversations: hot.conversations, calls: broker, now: Date.now };
    onDrain(broker, DRAIN.writes, async () => {
      await Promise.all([writer.close(), receipts.flush()]);
      await pushAll([]); // behind those that are under way
    });
  },
});
