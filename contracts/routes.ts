import type { ActionName } from "./index.ts";

/**
 * REST routes. moleculer-web's aliases, the OpenAPI document, the SDK's calls and the authorization matrix are made from
 * this table. Names in `{}` are params of the action; the others come from the query (GET, DELETE) or the body.
 */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly action: ActionName;
  readonly auth: "open" | "user";
  /** Of success; 200 unless given. */
  readonly status?: 201;
  /** Requests of one user (of one address when open) in a minute; 300 unless given. */
  readonly perMinute?: number;
}

export const API_PREFIX = "/api/v1";

const route = <const A extends ActionName>(
  method: Route["method"],
  path: string,
  action: A,
  more: Partial<Omit<Route, "method" | "path" | "action">> = {},
): Route & { readonly action: A } => ({
  method,
  path,
  action,
  auth: "user",
  ...more,
});

export const routes = [
  route("POST", "/users/register", "user.register", { auth: "open", status: 201, perMinute: 120 }),
  route("POST", "/users/login", "auth.login", { auth: "open", perMinute: 240 }),
  route("POST", "/auth/refresh", "auth.refresh", { auth: "open", perMinute: 240 }),
  route("POST", "/auth/logout", "auth.logout"),
  route("GET", "/users/me", "user.me"),
  route("PUT", "/users/me/profile", "user.updateProfile"),
  route("PUT", "/users/me/password", "user.changePassword", { perMinute: 10 }),
  route("DELETE", "/users/me", "user.deleteMe", { perMinute: 10 }),
  route("GET", "/users/me/export", "user.exportMe", { perMinute: 5 }),
  route("GET", "/users/me/devices", "auth.devices"),
  route("DELETE", "/users/me/devices/{deviceId}", "auth.endDevice"),
  route("GET", "/users/me/settings", "settings.get"),
  route("PUT", "/users/me/settings", "settings.update"),
  route("GET", "/users/search", "user.search", { perMinute: 60 }),
  route("GET", "/users/{userId}", "user.get"),

  route("POST", "/social/friends/request", "friend.request", { status: 201, perMinute: 60 }),
  route("GET", "/social/friends/requests", "friend.requests"),
  route("PUT", "/social/friends/request/{requestId}", "friend.handleRequest"),
  route("GET", "/social/friends", "friend.list"),
  route("PUT", "/social/friends/{userId}", "friend.update"),
  route("DELETE", "/social/friends/{userId}", "friend.remove"),
  route("GET", "/social/blacklist", "friend.blocked"),
  route("PUT", "/social/blacklist/{userId}", "friend.block"),
  route("DELETE", "/social/blacklist/{userId}", "friend.unblock"),
  route("GET", "/social/whitelist", "friend.allowed"),
  route("PUT", "/social/whitelist/{userId}", "friend.allow"),
  route("DELETE", "/social/whitelist/{userId}", "friend.disallow"),

  route("POST", "/social/groups", "group.create", { status: 201, perMinute: 30 }),
  route("GET", "/social/groups", "group.mine"),
  route("GET", "/social/groups/invitations", "group.invitations"),
  route("PUT", "/social/groups/invitations/{invitationId}", "group.handleInvitation"),
  route("GET", "/social/groups/{groupId}", "group.get"),
  route("PUT", "/social/groups/{groupId}", "group.update"),
  route("DELETE", "/social/groups/{groupId}", "group.dissolve"),
  route("GET", "/social/groups/{groupId}/members", "group.members"),
  route("POST", "/social/groups/{groupId}/members", "group.invite", { perMinute: 60 }),
  route("PUT", "/social/groups/{groupId}/members/{userId}", "group.updateMember"),
  route("DELETE", "/social/groups/{groupId}/members/{userId}", "group.removeMember"),
  route("POST", "/social/groups/{groupId}/transfer", "group.transfer"),
  route("PUT", "/social/groups/{groupId}/mute", "group.muteAll"),
  route("PUT", "/social/groups/{groupId}/announcement", "group.setAnnouncement"),
  route("POST", "/social/groups/{groupId}/join", "group.join", { perMinute: 60 }),
  route("GET", "/social/groups/{groupId}/join-requests", "group.joinRequests"),
  route("PUT", "/social/groups/{groupId}/join-requests/{requestId}", "group.handleJoinRequest"),
  route("POST", "/social/groups/{groupId}/invite-links", "group.createInviteLink", { status: 201 }),

  route("GET", "/social/conversations", "conversation.list"),
  route("GET", "/social/conversations/unread", "conversation.unread"),
  route("POST", "/social/conversations", "conversation.open"),
  route("PUT", "/social/conversations/{conversationId}", "conversation.update"),
  route("PUT", "/social/conversations/{conversationId}/read", "conversation.markRead", { perMinute: 600 }),
  route("GET", "/social/conversations/{conversationId}/receipts", "conversation.receipts"),
  route("DELETE", "/social/conversations/{conversationId}/messages", "conversation.clear"),
  route("GET", "/social/conversations/{conversationId}/pins", "message.pins"),

  /** 201 the first time, 200 when the same clientMsgId comes again. */
  route("POST", "/messages", "message.send", { status: 201, perMinute: 600 }),
  route("POST", "/messages/scheduled", "scheduler.schedule", { status: 201 }),
  route("GET", "/messages/scheduled", "scheduler.list"),
  route("PUT", "/messages/scheduled/{scheduledId}", "scheduler.change"),
  route("DELETE", "/messages/scheduled/{scheduledId}", "scheduler.cancel"),
  route("GET", "/messages/conversations/{conversationId}/history", "message.history", { perMinute: 600 }),
  route("GET", "/messages/{messageId}/thread", "message.thread", { perMinute: 600 }),
  route("GET", "/messages/{messageId}/edits", "message.edits"),
  route("PUT", "/messages/{messageId}/pin", "message.pin", { perMinute: 60 }),
  route("DELETE", "/messages/{messageId}/pin", "message.unpin", { perMinute: 60 }),
  route("POST", "/messages/{messageId}/recall", "message.recall"),
  route("PUT", "/messages/{messageId}/edit", "message.edit"),
  route("DELETE", "/messages/{messageId}", "message.deleteForMe"),
  route("GET", "/messages/{messageId}/readers", "message.readers"),
  route("POST", "/messages/{messageId}/reactions", "message.react"),
  route("DELETE", "/messages/{messageId}/reactions/{emoji}", "message.unreact"),

  /** 201 the first time, 200 when the message is a favorite already. */
  route("POST", "/content/favorites", "message.addFavorite", { status: 201 }),
  route("GET", "/content/favorites", "message.favorites"),
  route("DELETE", "/content/favorites/{favoriteId}", "message.removeFavorite"),

  route("POST", "/sync", "sync.pull", { perMinute: 600 }),
  route("GET", "/offline/summary", "sync.summary", { perMinute: 60 }),
  route("GET", "/offline/{conversationId}", "sync.messages", { perMinute: 600 }),
  route("POST", "/offline/ack", "conversation.markDelivered", { perMinute: 600 }),

  route("GET", "/notifications", "notification.list"),
  route("GET", "/notifications/unread-count", "notification.unreadCount"),
  route("PUT", "/notifications/read", "notification.markRead"),
];

/** Actions that clients can call by REST. */
export type RestAction = (typeof routes)[number]["action"];
