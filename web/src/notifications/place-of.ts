import type { Notification } from "@moleculer-im/client";

const idIn = (value: unknown, name: string): string | null => {
  const id = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : null;
  return typeof id === "string" && /^\d+$/.test(id) ? id : null;
};

const REQUESTS = "/contacts/requests";
const conversationIn = ({ conversationId }: Notification["data"]): string | null =>
  typeof conversationId === "string" && /^[dgs]_[\d_]+$/.test(conversationId) ? `/chats/${conversationId}` : null;
const groupIn = ({ group }: Notification["data"]): string | null => {
  const groupId = idIn(group, "groupId");
  return groupId && `/groups/${groupId}`;
};
const personIn = ({ fromUser }: Notification["data"]): string | null => {
  const userId = idIn(fromUser, "userId");
  return userId && `/contacts/${userId}`;
};

/** Where a kind of notification leads; kinds that are missing lead nowhere, as does a group that one is not in. */
const places: Readonly<Record<string, (data: Notification["data"]) => string | null>> = {
  "friend.request": () => REQUESTS,
  "friend.accepted": personIn,
  "group.invitation": () => REQUESTS,
  "group.invitation.accepted": groupIn,
  "group.invitation.rejected": groupIn,
  "group.join.request": groupIn,
  "group.join.accepted": groupIn,
  "group.added": groupIn,
  "group.announcement": groupIn,
  "group.role.changed": groupIn,
  "group.owner.changed": groupIn,
  "group.muted": groupIn,
  "device.new": () => "/settings/devices",
  "message.schedule.failed": conversationIn,
};

/** The address that a notification leads to; null: nowhere. */
export function placeOf({ type, data }: Pick<Notification, "type" | "data">): string | null {
  return Object.hasOwn(places, type) ? (places[type]?.(data) ?? null) : null;
}

/** The person or group that it is about, whose picture stands beside it. */
export function subjectOf({
  data,
}: Pick<Notification, "data">): { readonly id: string; readonly name: string; readonly group: boolean } | null {
  const userId = idIn(data["fromUser"], "userId");
  if (userId) return { id: userId, name: textIn(data["fromUser"], "nickname"), group: false };
  const groupId = idIn(data["group"], "groupId");
  return groupId ? { id: groupId, name: textIn(data["group"], "name"), group: true } : null;
}

const textIn = (value: unknown, name: string): string => {
  const text = (value as Record<string, unknown>)[name];
  return typeof text === "string" ? text : "";
};
