import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Friend, FriendRequest, ListedUser } from "../entities.ts";
import { MAX_NAME_LENGTH, MAX_NOTE_LENGTH, MAX_TAGS, MAX_USERS_IN_REQUEST } from "../limits.ts";
import { Closed, Cursor, Id, Limit, Line, Nothing, OneOf, Page, Version } from "../primitives.ts";

const Peer = Closed({ userId: Id });

export const friendContract = {
  request: {
    summary: "Ask someone to be friends; a request that waits from the other side is accepted by it",
    params: Closed({ userId: Id, message: Type.Optional(Line(0, MAX_NOTE_LENGTH)) }),
    result: Closed({ requestId: Id }),
    errors: ["CANNOT_ADD_SELF", "USER_NOT_FOUND", "ALREADY_FRIENDS", "REQUEST_PENDING", "REQUESTS_REFUSED", "QUOTA_EXCEEDED"],
  },
  handleRequest: {
    summary: "Accept or reject a friend request",
    params: Closed({ requestId: Id, action: OneOf("accept", "reject") }),
    result: FriendRequest,
    errors: ["REQUEST_NOT_FOUND", "REQUEST_HANDLED"],
  },
  requests: {
    summary: "Friend requests, newest first",
    params: Closed({ direction: Type.Optional(OneOf("in", "out")), limit: Limit, cursor: Cursor }),
    result: Page(FriendRequest),
    idempotent: true,
  },
  list: {
    summary: "My friends: all, or what changed since a version",
    params: Closed({ sinceVersion: Type.Optional(Version) }),
    result: Closed({ items: Type.Array(Friend), removed: Type.Array(Id), version: Version }),
    idempotent: true,
  },
  update: {
    summary: "Change remark, mute or tags of a friend",
    params: Closed({
      userId: Id,
      remark: Type.Optional(Line(0, MAX_NAME_LENGTH)),
      muted: Type.Optional(Type.Boolean()),
      tags: Type.Optional(Type.Array(Line(1, 32), { maxItems: MAX_TAGS, uniqueItems: true })),
    }),
    result: Friend,
    errors: ["NOT_FRIENDS"],
    idempotent: true,
  },
  remove: { summary: "End a friendship, on both sides", params: Peer, result: Nothing, errors: ["NOT_FRIENDS"] },
  blocked: {
    summary: "People I have blocked",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(ListedUser),
    idempotent: true,
  },
  block: {
    summary: "Block someone",
    params: Peer,
    result: Nothing,
    errors: ["CANNOT_ADD_SELF", "USER_NOT_FOUND"],
    idempotent: true,
  },
  unblock: { summary: "Lift a block", params: Peer, result: Nothing, idempotent: true },
  allowed: {
    summary: "People who may put me into groups without asking",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(ListedUser),
    idempotent: true,
  },
  allow: {
    summary: "Let someone put me into groups",
    params: Peer,
    result: Nothing,
    errors: ["CANNOT_ADD_SELF", "USER_NOT_FOUND"],
    idempotent: true,
  },
  disallow: { summary: "Take someone off that list", params: Peer, result: Nothing, idempotent: true },
  /** Internal (B3): what stands between two users, seen from `userId`. */
  relation: {
    summary: "Friendship and blocks between two users",
    params: Closed({ userId: Id, peerId: Id }),
    result: Closed({ areFriends: Type.Boolean(), blockedByMe: Type.Boolean(), blocksMe: Type.Boolean(), muted: Type.Boolean() }),
    idempotent: true,
  },
  /**
   * Internal (C2): who of the given may be invited by `inviterId`: friends and people whose white list holds the inviter, of
   * neither those who have blocked them. `joinAtOnce`: those of `invitable` whose white list holds the inviter.
   */
  invitable: {
    summary: "Who may be invited, who joins at once",
    params: Closed({ inviterId: Id, userIds: Type.Array(Id, { maxItems: MAX_USERS_IN_REQUEST }) }),
    result: Closed({ invitable: Type.Array(Id), joinAtOnce: Type.Array(Id) }),
    idempotent: true,
  },
  /** Internal: those of the given that are friends of the user (all friends when none are given). `exceptBlockers` leaves out those who have blocked the user. */
  friendIds: {
    summary: "Ids of a user's friends",
    params: Closed({
      userId: Id,
      among: Type.Optional(Type.Array(Id, { maxItems: 5_000 })),
      exceptBlockers: Type.Optional(Type.Boolean()),
    }),
    result: Type.Array(Id),
    idempotent: true,
  },
  /** Internal: the version that `list` would give. */
  version: {
    summary: "The version of a user's list of friends",
    params: Closed({ userId: Id }),
    result: Closed({ version: Version }),
    idempotent: true,
  },
  /** Internal: a user's own rows, for the export. */
  exportOf: {
    summary: "Friends, requests and lists of a user",
    params: Closed({ userId: Id }),
    result: Type.Record(Type.String(), Type.Unknown()),
    idempotent: true,
  },
} satisfies ServiceContract;
