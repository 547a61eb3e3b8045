import { describe, expect, it } from "vitest";
import { ImError, type Member, type Role } from "@moleculer-im/client";
import { errorTable } from "../../../contracts/errors.ts";
import { memberName, searchMembers, withMember } from "../../src/groups/members.ts";
import { CODE, isCodeRefused, isGone, isMemberAlready } from "../../src/groups/refusals.ts";
import { friend } from "./friends.ts";

const member = (userId: string, role: Role, nickname = ""): Member => ({
  userId,
  user: { ...friend(`User ${userId}`).user, userId },
  role,
  nickname,
  mutedUntil: null,
  joinedAt: 0,
});
const noRemark = (): undefined => undefined;

describe("members", () => {
  const members = [member("9", "owner"), member("2", "admin"), member("10", "admin", "Émile"), member("1", "member")];

  it("are called by remark, nickname in the group, own nickname", () => {
    expect(memberName(member("7", "member", "Goal"), "Dad")).toBe("Dad");
    expect(memberName(member("7", "member", "Goal"), "")).toBe("Goal");
    expect(memberName(member("7", "member"), undefined)).toBe("User 7");
  });

  it("are found by any of their names", () => {
    const found = (text: string): string[] =>
      searchMembers(members, text, (userId) => (userId === "9" ? "Boss" : undefined)).map(({ userId }) => userId);
    expect(found("emile")).toEqual(["10"]);
    expect(found("BOSS")).toEqual(["9"]);
    expect(found("user 2")).toEqual(["2"]);
    expect(found(" ")).toEqual(["9", "2", "10", "1"]);
    expect(searchMembers(members, "boss", noRemark)).toEqual([]);
  });

  it("stand by role, then by id as a number, as the server lists them", () => {
    const promoted = withMember(members, member("1", "admin"));
    expect(promoted.map(({ userId, role }) => `${userId} ${role}`)).toEqual(["9 owner", "1 admin", "2 admin", "10 admin"]);
    const dismissed = withMember(members, member("2", "member"));
    expect(dismissed.map(({ userId }) => userId)).toEqual(["9", "10", "1", "2"]);
  });
});

describe("refusals", () => {
  it("have the codes of the server's table", () => {
    expect(CODE).toEqual({
      inviteCodeInvalid: errorTable.INVITE_CODE_INVALID.code,
      alreadyMember: errorTable.ALREADY_MEMBER.code,
    });
  });

  it("are told apart", () => {
    const refused = new ImError(CODE.inviteCodeInvalid, "no", { status: 404 });
    expect([isCodeRefused(refused), isMemberAlready(refused), isGone(refused)]).toEqual([true, false, true]);
    expect([isCodeRefused(new Error("no")), isGone(new ImError(0, "away"))]).toEqual([false, false]);
  });
});
