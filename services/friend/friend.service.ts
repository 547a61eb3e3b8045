/**
 * Friends (B1-B6): requests, friendships, remarks, the block list and the white list. It owns the tables `friendship`,
 * `friend_request`, `block_list`, `allow_list` and the version of each list of friends; not profiles (user), not who may send
 * (conversation asks `friend.relation`), not notifications (made from the events).
 *
 * Each change is one transaction with its event in the outbox. After it the direct conversation is refreshed and both people's
 * devices are told, best effort: the event repairs the first, the list's version the second.
 */
import type { Context } from "moleculer";
import type { Meta } from "../../contracts/meta.ts";
import { callerOf, defineService } from "../../lib/service.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { removeFriend, updateFriend } from "./change-friendship.ts";
import type { FriendDeps } from "./deps.ts";
import { exportFriends } from "./export-friends.ts";
import { forgetUser, touchLists } from "./forget-user.ts";
import { handleRequest } from "./handle-request.ts";
import { listFriends, listVersion } from "./list-friends.ts";
import { listRequests } from "./list-requests.ts";
import { friendIdsFor, invitableOf, relationOf } from "./relations.ts";
import { requestFriendship } from "./request-friendship.ts";
import { allowUser, blockUser, disallowUser, pageOfList, unblockUser } from "./user-lists.ts";

type Vars = DatabaseVars & OutboxVars & IdsVars & HotStoreVars & { deps(ctx?: Context<unknown, Meta>): FriendDeps };

export default defineService<"friend", Vars>()({
  name: "friend",
  mixins: [
    withDatabase(),
    withOutbox(),
    withIds(),
    withHotStore(),
    withSubscriptions<Vars>({
      consumer: "friend",
      handlers: {
        async "im.user.deleted"({ payload }) {
          await forgetUser(this.deps(), payload.userId);
        },
        async "im.user.updated"({ payload }) {
          await touchLists(this.deps(), payload.userId);
        },
      },
    }),
  ],
  methods: {
    deps(ctx?: Context<unknown, Meta>): FriendDeps {
      const { sql, ids, outbox } = this;
      return { sql, ids, outbox, calls: ctx ?? this.broker, now: Date.now, requestId: ctx?.requestID ?? null };
    },
  },
  actions: {
    request(ctx) {
      const { userId, message = "" } = ctx.params;
      const limits = configOf(this.broker).rateLimits ? this.hot.limits : null;
      return requestFriendship({ ...this.deps(ctx), limits }, { fromUserId: callerOf(ctx).userId, toUserId: userId, message });
    },
    handleRequest(ctx) {
      return handleRequest(this.deps(ctx), { userId: callerOf(ctx).userId, ...ctx.params });
    },
    requests(ctx) {
      return listRequests(this.deps(ctx), { userId: callerOf(ctx).userId, ...ctx.params });
    },
    list(ctx) {
      return listFriends(this.deps(ctx), callerOf(ctx).userId, ctx.params.sinceVersion);
    },
    update(ctx) {
      const { userId: friendId, ...change } = ctx.params;
      return updateFriend(this.deps(ctx), callerOf(ctx).userId, friendId, change);
    },
    async remove(ctx) {
      await removeFriend(this.deps(ctx), callerOf(ctx).userId, ctx.params.userId);
      return null;
    },
    blocked(ctx) {
      return pageOfList(this.deps(ctx), "block_list", { userId: callerOf(ctx).userId, ...ctx.params });
    },
    async block(ctx) {
      await blockUser(this.deps(ctx), callerOf(ctx).userId, ctx.params.userId);
      return null;
    },
    async unblock(ctx) {
      await unblockUser(this.deps(ctx), callerOf(ctx).userId, ctx.params.userId);
      return null;
    },
    allowed(ctx) {
      return pageOfList(this.deps(ctx), "allow_list", { userId: callerOf(ctx).userId, ...ctx.params });
    },
    async allow(ctx) {
      await allowUser(this.deps(ctx), callerOf(ctx).userId, ctx.params.userId);
      return null;
    },
    async disallow(ctx) {
      await disallowUser(this.deps(ctx), callerOf(ctx).userId, ctx.params.userId);
      return null;
    },
    relation(ctx) {
      return relationOf(this.sql, ctx.params.userId, ctx.params.peerId);
    },
    invitable(ctx) {
      return invitableOf(this.sql, ctx.params.inviterId, ctx.params.userIds);
    },
    friendIds(ctx) {
      return friendIdsFor(this.sql, ctx.params);
    },
    version(ctx) {
      return listVersion(this.sql, ctx.params.userId);
    },
    exportOf(ctx) {
      return exportFriends(this.sql, ctx.params.userId);
    },
  },
});
