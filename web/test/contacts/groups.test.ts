import { describe, expect, it } from "vitest";
import type { Role } from "@moleculer-im/client";
import { mayDo, mayInvite } from "../../../services/group/permissions.ts";
import { inviteUrl } from "../../src/groups/invite-link.ts";
import { inviteResult } from "../../src/groups/invite-result.ts";
import { rightsIn, rightsOver } from "../../src/groups/rights.ts";

const roles: Role[] = ["owner", "admin", "member"];

describe("rights in a group are those that the server grants", () => {
  it.each(roles)("as %s", (myRole) => {
    for (const memberInvite of [true, false]) {
      expect(rightsIn({ myRole, memberInvite })).toEqual({
        edit: mayDo(myRole, "edit"),
        muteAll: mayDo(myRole, "muteAll"),
        invite: mayInvite(myRole, memberInvite),
        answerRequests: mayDo(myRole, "answerRequests"),
        transfer: mayDo(myRole, "transfer", "member"),
        dissolve: mayDo(myRole, "dissolve"),
        leave: mayDo(myRole, "leave"),
      });
    }
  });

  it.each(roles.flatMap((mine) => roles.map((theirs) => [mine, theirs] as const)))("as %s over %s", (mine, theirs) => {
    expect(rightsOver(mine, theirs)).toEqual({
      setRole: mayDo(mine, "setRole", theirs),
      mute: mayDo(mine, "mute", theirs),
      remove: mayDo(mine, "kick", theirs),
    });
  });
});

describe("invitations", () => {
  it("tell who was left out", () => {
    expect(inviteResult(["1", "2", "3"], { joined: ["1"], invited: ["3"] })).toEqual({
      joined: ["1"],
      invited: ["3"],
      leftOut: ["2"],
    });
  });

  it("have links that survive any code", () => {
    expect(inviteUrl("https://im.example.com", "7", "a_-b")).toBe("https://im.example.com/join/7?code=a_-b");
    expect(inviteUrl("https://im.example.com", "7", "a&b=c")).toBe("https://im.example.com/join/7?code=a%26b%3Dc");
  });
});
