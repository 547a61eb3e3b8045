import type { ErrorType } from "../../contracts/errors.ts";
import { PASSWORD } from "../support/im.ts";
import { roles, type Names, type Role } from "../support/scene.ts";

/** What someone gets: an answer, or this error. */
export type Outcome = "ok" | ErrorType;

/** One route or socket event, and what comes of it for each role. */
export interface Entry {
  /** Params by name: of the path, and of the query, the body or the payload. */
  readonly params?: (names: Names) => Readonly<Record<string, unknown>>;
  readonly outcomes: Readonly<Record<Role, Outcome>>;
  /** What it names can be used once, so that nobody else can have it afterwards. */
  readonly isOnce?: boolean;
}

type Params = Entry["params"];

const everyone = (params?: Params, outcome: Outcome = "ok", except: Partial<Record<Role, Outcome>> = {}): Entry => ({
  ...(params && { params }),
  outcomes: { ...(Object.fromEntries(roles.map((role) => [role, outcome])) as Record<Role, Outcome>), ...except },
});

/** Only these may; the thing is not there for the others. */
const only = (may: readonly Role[], error: Outcome, params: Params): Entry =>
  everyone(params, error, Object.fromEntries(may.map((role) => [role, "ok"])));

/** Inside a group: strangers and those who were removed find nothing. */
const inGroup = (params: Params, member: Outcome, admin: Outcome = "ok", owner: Outcome = "ok"): Entry =>
  everyone(params, "GROUP_NOT_FOUND", { member, admin, owner });

const once = (entry: Entry): Entry => ({ ...entry, isOnce: true });

const members: readonly Role[] = ["member", "admin", "owner"];
const whoEverWas: readonly Role[] = ["removed", ...members];
let made = 0;

/** A message in the group's conversation. */
const message = (names: Names) => ({
  conversationId: names.conversationId,
  clientMsgId: `matrix-${++made}`,
  type: "text",
  content: { text: "hello" },
});
const onMessage = ({ messageId }: Names) => ({ messageId });
const onScheduled = ({ scheduledId }: Names) => ({ scheduledId });
const onGroup = ({ groupId }: Names) => ({ groupId });
const onMember = ({ memberId }: Names) => ({ userId: memberId });
const inConversation = ({ conversationId }: Names) => ({ conversationId });

const readMessage: Outcome = "MESSAGE_NOT_FOUND";
const recall: Entry = everyone(onMessage, "ok", { outsider: readMessage, guest: readMessage, removed: "NOT_YOUR_MESSAGE" });
const edit: Entry = everyone((names) => ({ ...onMessage(names), content: { text: "changed" } }), "NOT_YOUR_MESSAGE", {
  outsider: readMessage,
  guest: readMessage,
  member: "ok",
});
const react: Entry = everyone((names) => ({ ...onMessage(names), emoji: "👍" }), "ok", {
  outsider: readMessage,
  guest: readMessage,
  removed: "GROUP_NOT_FOUND",
});
const read: Entry = only(whoEverWas, "GROUP_NOT_FOUND", (names) => ({ ...inConversation(names), seq: 1 }));

const pin: Entry = everyone(onMessage, "ok", {
  outsider: readMessage,
  guest: readMessage,
  removed: "GROUP_NOT_FOUND",
  member: "ROLE_FORBIDS",
});

/** By the method and path of the published document. */
export const restMatrix: Readonly<Record<string, Entry>> = {
  "POST /users/register": everyone(() => ({ username: `matrix_${process.pid}_${++made}`, password: PASSWORD })),
  "POST /users/login": everyone(({ ownerName }) => ({ username: ownerName, password: PASSWORD })),
  "POST /auth/refresh": once(everyone(({ refreshToken }) => ({ refreshToken }))),
  "POST /auth/logout": everyone(),
  "GET /users/me": everyone(),
  "PUT /users/me/profile": everyone(() => ({ nickname: "New name" })),
  "PUT /users/me/password": everyone(() => ({ oldPassword: PASSWORD, newPassword: `${PASSWORD}-2` })),
  "DELETE /users/me": everyone(undefined, "ok", { owner: "OWNER_MUST_TRANSFER" }),
  "GET /users/me/export": everyone(),
  "GET /users/me/devices": everyone(),
  "DELETE /users/me/devices/{deviceId}": only(["owner"], "DEVICE_NOT_FOUND", ({ deviceId }) => ({ deviceId })),
  "GET /users/me/settings": everyone(),
  "PUT /users/me/settings": everyone(() => ({ searchable: false })),
  "GET /users/search": everyone(({ ownerName }) => ({ keyword: ownerName })),
  "GET /users/{userId}": everyone(onMember),

  "POST /social/friends/request": everyone(onMember, "ok", {
    member: "CANNOT_ADD_SELF",
    admin: "REQUEST_PENDING",
    owner: "ALREADY_FRIENDS",
  }),
  "GET /social/friends/requests": everyone(() => ({ direction: "out" })),
  "PUT /social/friends/request/{requestId}": only(["member"], "REQUEST_NOT_FOUND", ({ friendRequestId }) => ({
    requestId: friendRequestId,
    action: "accept",
  })),
  "GET /social/friends": everyone(),
  "PUT /social/friends/{userId}": only(["owner"], "NOT_FRIENDS", (names) => ({ ...onMember(names), remark: "Friend" })),
  "DELETE /social/friends/{userId}": only(["owner"], "NOT_FRIENDS", onMember),
  "GET /social/blacklist": everyone(),
  "PUT /social/blacklist/{userId}": everyone(onMember, "ok", { member: "CANNOT_ADD_SELF" }),
  "DELETE /social/blacklist/{userId}": everyone(onMember),
  "GET /social/whitelist": everyone(),
  "PUT /social/whitelist/{userId}": everyone(onMember, "ok", { member: "CANNOT_ADD_SELF" }),
  "DELETE /social/whitelist/{userId}": everyone(onMember),

  "POST /social/groups": everyone(() => ({ name: "Another group" })),
  "GET /social/groups": everyone(),
  "GET /social/groups/invitations": everyone(),
  "PUT /social/groups/invitations/{invitationId}": only(["guest"], "INVITATION_NOT_FOUND", ({ invitationId }) => ({
    invitationId,
    action: "accept",
  })),
  "GET /social/groups/{groupId}": inGroup(onGroup, "ok"),
  "PUT /social/groups/{groupId}": inGroup((names) => ({ ...onGroup(names), name: "Renamed" }), "ROLE_FORBIDS"),
  "DELETE /social/groups/{groupId}": inGroup(onGroup, "ROLE_FORBIDS", "ROLE_FORBIDS"),
  "GET /social/groups/{groupId}/members": inGroup(onGroup, "ok"),
  "POST /social/groups/{groupId}/members": inGroup(({ groupId, memberId }) => ({ groupId, userIds: [memberId] }), "ROLE_FORBIDS"),
  "PUT /social/groups/{groupId}/members/{userId}": inGroup(
    ({ groupId, bystanderId }) => ({ groupId, userId: bystanderId, mutedUntil: Date.now() + 3_600_000 }),
    "ROLE_FORBIDS",
  ),
  "DELETE /social/groups/{groupId}/members/{userId}": once(
    inGroup(({ groupId, bystanderId }) => ({ groupId, userId: bystanderId }), "ROLE_FORBIDS"),
  ),
  "POST /social/groups/{groupId}/transfer": inGroup(
    ({ groupId, bystanderId }) => ({ groupId, userId: bystanderId }),
    "ROLE_FORBIDS",
    "ROLE_FORBIDS",
  ),
  "PUT /social/groups/{groupId}/mute": inGroup((names) => ({ ...onGroup(names), all: true }), "ROLE_FORBIDS"),
  "PUT /social/groups/{groupId}/announcement": inGroup((names) => ({ ...onGroup(names), text: "News" }), "ROLE_FORBIDS"),
  "POST /social/groups/{groupId}/join": inGroup(onGroup, "ALREADY_MEMBER", "ALREADY_MEMBER", "ALREADY_MEMBER"),
  "GET /social/groups/{groupId}/join-requests": inGroup(onGroup, "ROLE_FORBIDS"),
  "PUT /social/groups/{groupId}/join-requests/{requestId}": once(
    inGroup(({ groupId, joinRequestId }) => ({ groupId, requestId: joinRequestId, action: "accept" }), "ROLE_FORBIDS"),
  ),
  "POST /social/groups/{groupId}/invite-links": inGroup(onGroup, "ROLE_FORBIDS"),

  "GET /social/conversations": everyone(),
  "GET /social/conversations/unread": everyone(),
  "POST /social/conversations": everyone(onMember, "CANNOT_MESSAGE", { owner: "ok", member: "CANNOT_ADD_SELF" }),
  "PUT /social/conversations/{conversationId}": only(whoEverWas, "GROUP_NOT_FOUND", (names) => ({
    ...inConversation(names),
    pinned: true,
  })),
  "PUT /social/conversations/{conversationId}/read": read,
  "GET /social/conversations/{conversationId}/receipts": inGroup(inConversation, "ok"),
  "DELETE /social/conversations/{conversationId}/messages": only(whoEverWas, "GROUP_NOT_FOUND", inConversation),
  "GET /social/conversations/{conversationId}/pins": inGroup(inConversation, "ok"),

  "POST /messages": inGroup(message, "ok"),
  "POST /messages/scheduled": inGroup((names) => ({ ...message(names), sendAt: Date.now() + 3_600_000 }), "ok"),
  "GET /messages/scheduled": everyone(),
  "PUT /messages/scheduled/{scheduledId}": only(["owner"], "SCHEDULED_NOT_FOUND", (names) => ({
    ...onScheduled(names),
    content: { text: "changed" },
  })),
  "DELETE /messages/scheduled/{scheduledId}": only(["owner"], "SCHEDULED_NOT_FOUND", onScheduled),
  "GET /messages/conversations/{conversationId}/history": only(whoEverWas, "GROUP_NOT_FOUND", inConversation),
  "GET /messages/{messageId}/thread": only(whoEverWas, readMessage, onMessage),
  "GET /messages/{messageId}/edits": only(whoEverWas, readMessage, onMessage),
  "PUT /messages/{messageId}/pin": pin,
  "DELETE /messages/{messageId}/pin": pin,
  "POST /messages/{messageId}/recall": recall,
  "PUT /messages/{messageId}/edit": edit,
  "DELETE /messages/{messageId}": only(whoEverWas, readMessage, onMessage),
  "GET /messages/{messageId}/readers": everyone(onMessage, "ok", {
    outsider: readMessage,
    guest: readMessage,
    removed: "GROUP_NOT_FOUND",
  }),
  "POST /messages/{messageId}/reactions": react,
  "DELETE /messages/{messageId}/reactions/{emoji}": only(whoEverWas, readMessage, (names) => ({
    ...onMessage(names),
    emoji: "👍",
  })),

  "POST /content/favorites": only(whoEverWas, readMessage, onMessage),
  "GET /content/favorites": everyone(),
  "DELETE /content/favorites/{favoriteId}": only(["owner"], "FAVORITE_NOT_FOUND", ({ favoriteId }) => ({ favoriteId })),

  "POST /sync": everyone((names) => ({ conversations: { [names.conversationId]: 0, [names.directId]: null } })),
  "GET /offline/summary": everyone(),
  "GET /offline/{conversationId}": only(whoEverWas, "GROUP_NOT_FOUND", inConversation),
  "POST /offline/ack": read,

  "GET /notifications": everyone(),
  "GET /notifications/unread-count": everyone(),
  "PUT /notifications/read": only(["guest"], "NOTIFICATION_NOT_FOUND", ({ notificationId }) => ({ ids: [notificationId] })),
};

/** By the name of the published document. */
export const socketMatrix: Readonly<Record<string, Entry>> = {
  "message:send": inGroup(message, "ok"),
  "message:delivered": read,
  "message:read": read,
  "message:recall": recall,
  "message:edit": edit,
  "message:delete": only(whoEverWas, readMessage, onMessage),
  "message:react": react,
  typing: inGroup((names) => ({ ...inConversation(names), kind: "text" }), "ok"),
  sync: everyone((names) => ({ conversations: { [names.conversationId]: 0, [names.directId]: null } })),
  "presence:subscribe": everyone(({ memberId }) => ({ userIds: [memberId] })),
  "presence:unsubscribe": everyone(({ memberId }) => ({ userIds: [memberId] })),
  "auth:renew": only(["owner"], "DEVICE_MISMATCH", ({ ownerToken }) => ({ token: ownerToken })),
};
