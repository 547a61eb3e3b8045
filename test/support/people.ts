import { befriend, buildGroup, buildUser, type Im, type TestUser } from "./im.ts";

/** That many new users. */
export const buildUsers = (im: Im, count: number): Promise<TestUser[]> =>
  Promise.all(Array.from({ length: count }, () => buildUser(im)));

export interface Friends {
  readonly a: TestUser;
  readonly b: TestUser;
  /** Of the two. */
  readonly conversationId: string;
}

/** Two new users who are friends. */
export async function buildFriends(im: Im): Promise<Friends> {
  const [a, b] = (await buildUsers(im, 2)) as [TestUser, TestUser];
  return { a, b, conversationId: await befriend(im, a, b) };
}

/** A group with an owner, an admin and two members. */
export async function buildCrew(im: Im) {
  const [owner, admin, member, other] = (await buildUsers(im, 4)) as [TestUser, TestUser, TestUser, TestUser];
  const { groupId, conversationId } = await buildGroup(im, owner, [admin, member, other]);
  await im.node.as(owner.userId, "group.updateMember", { groupId, userId: admin.userId, role: "admin" });
  return { owner, admin, member, other, groupId, conversationId };
}
