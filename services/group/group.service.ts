/**
 * Groups: who is in them with which role, how one gets in and out, what they are called and allow (C1-C7).
 *
 * It does not own a group's conversation, its messages, or who has read them: it tells the conversation, message and socket
 * services. Flow of a change: one transaction writes the rows, the group's new version and an `im.group.changed` event to the
 * outbox; after the commit the change is announced at once (`announce-change.ts`), and the durable event announces what a
 * crash or an absent service left undone. All changes of groups share one counter, whose row serialises them: a version is
 * visible only after every smaller one.
 *
 * Outsiders get GROUP_NOT_FOUND for whatever they try, whether the group exists or not.
 */
import { randomUUID } from "node:crypto";
import type { Context } from "moleculer";
import type { DomainEvents } from "../../contracts/events.ts";
import type { Meta } from "../../contracts/meta.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import type { DomainEvent } from "../../mixins/event-stream/port.ts";
import { holdLease } from "../../mixins/hot-store/hold-lease.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { callerOf, defineService, type ImContext } from "../../lib/service.ts";
import { announceChange } from "./announce-change.ts";
import { AnnouncementQueue } from "./announcement-queue.ts";
import type { Who } from "./change-group.ts";
import { createGroup } from "./create-group.ts";
import type { GroupDeps } from "./deps.ts";
import { editGroup, muteAll } from "./edit-group.ts";
import { dissolveGroup, leaveAllGroups, removeMember } from "./end-membership.ts";
import { handleInvitation, listInvitations } from "./invitations.ts";
import { inviteMembers } from "./invite-members.ts";
import { createInviteLink, joinGroup } from "./join-group.ts";
import { handleJoinRequest, listJoinRequests } from "./join-requests.ts";
import { listMembers } from "./list-members.ts";
import { dailyQuota, noQuota } from "./quota.ts";
import {
  exportGroups,
  groupsById,
  mayMentionAllIn,
  memberCount,
  memberStates,
  myGroups,
  myVersion,
  viewGroup,
} from "./read-groups.ts";
import { ownedGroupIds } from "./repository/groups.ts";
import { editMember, transferGroup } from "./update-member.ts";

interface Vars extends DatabaseVars, OutboxVars, IdsVars, HotStoreVars {
  queue: AnnouncementQueue;
  deps(ctx?: Context<unknown, Meta>): GroupDeps;
}

/** Until a change is announced a removed member's bounds are not set, so it is tried for some minutes. */
const MAX_DELIVER = 100;
/** How long a group waits for a node that died while it announced a change. */
const ANNOUNCE_LEASE_MS = 10_000;
/** Shorter than a call may take; the durable event brings the change again. */
const ANNOUNCE_WAIT_MS = 3_000;

type ChangeEvent = DomainEvent<DomainEvents["im.group.changed"]>;

/** Does what the request that made the change may not have come to. */
async function announce(this: Vars & { deps(): GroupDeps }, { eventId, payload }: ChangeEvent): Promise<void> {
  await announceChange(this.deps(), { eventId, ...payload });
}

export default defineService<"group", Vars>()({
  name: "group",
  mixins: [
    withDatabase(),
    withHotStore(),
    withIds(),
    withOutbox(),
    withSubscriptions<Vars>({
      consumer: "group",
      maxDeliver: MAX_DELIVER,
      handlers: {
        "im.group.changed": announce,
        "im.group.member.joined": announce,
        "im.group.member.left": announce,
        async "im.user.deleted"({ payload }) {
          await leaveAllGroups(this.deps(), payload.userId);
        },
      },
    }),
  ],
  created() {
    const holder = `${this.broker.nodeID}:${randomUUID()}`;
    const lease = { holder, ttlMs: ANNOUNCE_LEASE_MS, waitMs: ANNOUNCE_WAIT_MS };
    this.queue = new AnnouncementQueue((groupId, work) => holdLease(this.hot.leases, `announce:${groupId}`, lease, work));
  },

  methods: {
    deps(ctx?: Context<unknown, Meta>): GroupDeps {
      const { sql, ids, outbox, queue, logger } = this;
      const quota = configOf(this.broker).rateLimits ? dailyQuota(this.hot.limits) : noQuota;
      return {
        sql,
        ids,
        outbox,
        queue,
        logger,
        quota,
        calls: ctx ?? this.broker,
        requestId: ctx?.requestID ?? null,
        now: Date.now,
      };
    },
  },

  actions: {
    create(ctx) {
      return createGroup(this.deps(ctx), { ...ctx.params, userId: callerOf(ctx).userId });
    },
    mine(ctx) {
      return myGroups(this, callerOf(ctx).userId, ctx.params.sinceVersion);
    },
    get(ctx) {
      return viewGroup(this, whoOf(ctx));
    },
    update(ctx) {
      const { groupId: _, ...edit } = ctx.params;
      return editGroup(this.deps(ctx), whoOf(ctx), edit);
    },
    setAnnouncement(ctx) {
      return editGroup(this.deps(ctx), whoOf(ctx), { announcement: ctx.params.text });
    },
    muteAll(ctx) {
      return muteAll(this.deps(ctx), whoOf(ctx), ctx.params.all);
    },
    dissolve(ctx) {
      return dissolveGroup(this.deps(ctx), whoOf(ctx));
    },
    transfer(ctx) {
      return transferGroup(this.deps(ctx), whoOf(ctx), ctx.params.userId);
    },

    members(ctx) {
      return listMembers(this.deps(ctx), whoOf(ctx), ctx.params);
    },
    invite(ctx) {
      return inviteMembers(this.deps(ctx), { ...whoOf(ctx), userIds: ctx.params.userIds });
    },
    removeMember(ctx) {
      return removeMember(this.deps(ctx), whoOf(ctx), ctx.params.userId);
    },
    updateMember(ctx) {
      const { role, nickname, mutedUntil } = ctx.params;
      return editMember(this.deps(ctx), whoOf(ctx), ctx.params.userId, { role, nickname, mutedUntil });
    },

    invitations(ctx) {
      return listInvitations(this.deps(ctx), { ...ctx.params, userId: callerOf(ctx).userId });
    },
    handleInvitation(ctx) {
      return handleInvitation(this.deps(ctx), { ...ctx.params, userId: callerOf(ctx).userId });
    },
    join(ctx) {
      return joinGroup(this.deps(ctx), { ...ctx.params, userId: callerOf(ctx).userId });
    },
    joinRequests(ctx) {
      return listJoinRequests(this.deps(ctx), whoOf(ctx), ctx.params);
    },
    handleJoinRequest(ctx) {
      return handleJoinRequest(this.deps(ctx), whoOf(ctx), ctx.params);
    },
    createInviteLink(ctx) {
      return createInviteLink(this.deps(ctx), whoOf(ctx), ctx.params);
    },

    memberStates(ctx) {
      return memberStates(this, ctx.params);
    },
    mayMentionAll(ctx) {
      return mayMentionAllIn(this, ctx.params);
    },
    getMany(ctx) {
      return groupsById(this, ctx.params.userId, ctx.params.groupIds);
    },
    ownedBy(ctx) {
      return ownedGroupIds(this.sql, ctx.params.userId);
    },
    memberCount(ctx) {
      return memberCount(this, ctx.params.groupId);
    },
    version(ctx) {
      return myVersion(this, ctx.params.userId);
    },
    exportOf(ctx) {
      return exportGroups(this, ctx.params.userId);
    },
  },
});

/** The caller, at the group that the call names. */
function whoOf(ctx: ImContext<{ groupId: string }>): Who {
  return { groupId: ctx.params.groupId, userId: callerOf(ctx).userId };
}
