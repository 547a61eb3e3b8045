import type { MentionAllBy, Role } from "../../contracts/entities.ts";

/** What someone may do in a group (C3). */
export type Deed =
  | "send"
  | "setOwnNickname"
  | "leave"
  | "invite"
  | "edit"
  | "muteAll"
  | "mentionAll"
  | "answerRequests"
  | "dissolve"
  // On another member:
  | "kick"
  | "mute"
  | "setRole"
  | "transfer";

const rank: Record<Role, number> = { owner: 0, admin: 1, member: 2 };

/** The lowest role that may. */
const lowest: Record<Deed, Role> = {
  send: "member",
  setOwnNickname: "member",
  leave: "member",
  invite: "admin",
  edit: "admin",
  muteAll: "admin",
  mentionAll: "admin",
  answerRequests: "admin",
  kick: "admin",
  mute: "admin",
  dissolve: "owner",
  setRole: "owner",
  transfer: "owner",
};
const onThoseBelow = new Set<Deed>(["kick", "mute", "setRole", "transfer"]);

/**
 * The matrix of C3. What is done to a member needs a role strictly above theirs, so it is refused without `targetRole`.
 * The owner cannot leave.
 */
export function mayDo(role: Role, deed: Deed, targetRole?: Role): boolean {
  if (deed === "leave") return role !== "owner";
  if (rank[role] > rank[lowest[deed]]) return false;
  return !onThoseBelow.has(deed) || (targetRole !== undefined && rank[role] < rank[targetRole]);
}

/** Members invite, and make invite links, where the group lets them. */
export function mayInvite(role: Role, memberInvite: boolean): boolean {
  return memberInvite || mayDo(role, "invite");
}

/** Members mention all where the group lets them. */
export function mayMentionAll(role: Role, by: MentionAllBy): boolean {
  return by === "members" || mayDo(role, "mentionAll");
}
