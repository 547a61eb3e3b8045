import type { Group, Role } from "@moleculer-im/client";

/** What a member may do in a group, as the server decides it. */
export interface GroupRights {
  /** Name, picture, announcement and settings. */
  readonly edit: boolean;
  readonly muteAll: boolean;
  readonly invite: boolean;
  readonly answerRequests: boolean;
  readonly transfer: boolean;
  readonly dissolve: boolean;
  readonly leave: boolean;
}

/** What a member may do to another one. */
export interface MemberRights {
  readonly setRole: boolean;
  readonly mute: boolean;
  readonly remove: boolean;
}

const rank: Record<Role, number> = { owner: 0, admin: 1, member: 2 };

export function rightsIn({ myRole, memberInvite }: Pick<Group, "myRole" | "memberInvite">): GroupRights {
  const manages = myRole !== "member";
  const owns = myRole === "owner";
  return {
    edit: manages,
    muteAll: manages,
    invite: manages || memberInvite,
    answerRequests: manages,
    transfer: owns,
    dissolve: owns,
    leave: !owns,
  };
}

/** Nothing is done to those of the same or a higher role, nor to oneself. */
export function rightsOver(myRole: Role, theirRole: Role): MemberRights {
  const above = myRole !== "member" && rank[myRole] < rank[theirRole];
  return { setRole: above && myRole === "owner", mute: above, remove: above };
}
