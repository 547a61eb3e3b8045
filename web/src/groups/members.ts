import type { Member, Role } from "@moleculer-im/client";
import { fold } from "../contacts/roster.ts";

const rank: Record<Role, number> = { owner: 0, admin: 1, member: 2 };

/** What a member is called in the group: the user's remark for them, else their nickname in it, else their own one. */
export const memberName = ({ user, nickname }: Member, remark: string | undefined): string =>
  remark || nickname || user.nickname || user.username;

/** Those of whom a name has the words in it. */
export function searchMembers(
  members: readonly Member[],
  text: string,
  remarkOf: (userId: string) => string | undefined,
): Member[] {
  const wanted = fold(text.trim());
  if (wanted === "") return [...members];
  return members.filter(({ user, nickname }) =>
    [remarkOf(user.userId) ?? "", nickname, user.nickname, user.username].some((name) => fold(name).includes(wanted)),
  );
}

/** The members with one of them as an answer said they are now; owner and admins stand first, as the server lists them. */
export function withMember(members: readonly Member[], changed: Member): Member[] {
  return members
    .map((member) => (member.userId === changed.userId ? changed : member))
    .sort((a, b) => rank[a.role] - rank[b.role] || (BigInt(a.userId) < BigInt(b.userId) ? -1 : 1));
}
