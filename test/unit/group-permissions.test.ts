import assert from "node:assert/strict";
import test from "node:test";
import type { Role } from "../../contracts/entities.ts";
import { mayDo, mayInvite, mayMentionAll, type Deed } from "../../services/group/permissions.ts";

const roles: readonly Role[] = ["owner", "admin", "member"];

/** Who may, as C3 says it. */
const inGroup: Record<string, readonly Role[]> = {
  send: ["owner", "admin", "member"],
  setOwnNickname: ["owner", "admin", "member"],
  leave: ["admin", "member"],
  invite: ["owner", "admin"],
  edit: ["owner", "admin"],
  muteAll: ["owner", "admin"],
  mentionAll: ["owner", "admin"],
  answerRequests: ["owner", "admin"],
  dissolve: ["owner"],
};

/** Who may do it to whom, as C3 says it. */
const onMember: Record<string, Partial<Record<Role, readonly Role[]>>> = {
  kick: { owner: ["admin", "member"], admin: ["member"] },
  mute: { owner: ["admin", "member"], admin: ["member"] },
  setRole: { owner: ["admin", "member"] },
  transfer: { owner: ["admin", "member"] },
};

for (const [deed, allowed] of Object.entries(inGroup)) {
  for (const role of roles) {
    const may = allowed.includes(role);
    test(`${role} ${may ? "may" : "may not"} ${deed}`, () => assert.equal(mayDo(role, deed as Deed), may));
  }
}

for (const [deed, allowed] of Object.entries(onMember)) {
  for (const role of roles) {
    for (const target of roles) {
      const may = allowed[role]?.includes(target) ?? false;
      test(`${role} ${may ? "may" : "may not"} ${deed} ${target}`, () => assert.equal(mayDo(role, deed as Deed, target), may));
    }
    test(`${role} may not ${deed} nobody`, () => assert.equal(mayDo(role, deed as Deed), false));
  }
}

test("members invite where the group lets them, owner and admins everywhere", () => {
  assert.deepEqual(
    roles.map((role) => mayInvite(role, true)),
    [true, true, true],
  );
  assert.deepEqual(
    roles.map((role) => mayInvite(role, false)),
    [true, true, false],
  );
});

test("members mention all where the group lets them, owner and admins everywhere", () => {
  assert.deepEqual(
    roles.map((role) => mayMentionAll(role, "members")),
    [true, true, true],
  );
  assert.deepEqual(
    roles.map((role) => mayMentionAll(role, "admins")),
    [true, true, false],
  );
});
