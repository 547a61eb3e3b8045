import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DomainEventName, DomainEvents, GroupChange } from "../../contracts/events.ts";
import { ann, bob, cid, groupId, notificationNode, type World } from "../support/notification-node.ts";

/** What somebody is told: the type, and the text in English and Chinese. */
type Told = readonly [type: string, en: string, zh: string];
/** An event, and what each person is told by it; those who are not named are told nothing. */
interface Case<P> {
  readonly when: string;
  readonly payload: P;
  readonly told?: Readonly<Record<string, Told>>;
}

const dora = "12";
const people = [ann, bob, cid, dora];
const [asked, invited] = [
  { requestId: "1", fromUserId: ann, toUserId: bob },
  { invitationId: "2", groupId, inviterId: ann, inviteeId: bob },
];
const nobody = (payload: object) => [{ when: "it happens", payload: payload as never }];

/** The events that are not changes of groups. A new one does not compile before it is said whom it concerns. */
const events: {
  readonly [N in Exclude<DomainEventName, `im.group.${"changed" | "member.joined" | "member.left"}`>]: readonly Case<
    DomainEvents[N]
  >[];
} = {
  "im.user.created": nobody({ userId: ann }),
  "im.user.updated": nobody({ userId: ann }),
  "im.user.disabled": nobody({ userId: ann }),
  "im.user.settings.changed": nobody({ userId: ann, changed: ["language"] }),
  "im.user.password.changed": nobody({ userId: ann, exceptSessionId: null }),
  "im.user.session.ended": nobody({ userId: ann, sessionIds: ["1"], reason: "kicked" }),
  "im.user.device.added": (["web", "ios", "android", "desktop", "bot"] as const).map((deviceType, at) => ({
    when: `the device is of type ${deviceType}`,
    payload: { userId: ann, sessionId: "1", deviceId: "d", deviceType },
    told: {
      [ann]: [
        "device.new",
        `Your account was used to sign in on a new device (${["browser", "iOS", "Android", "desktop", "bot"][at]}).`,
        `你的账号在新设备（${["浏览器", "iOS", "安卓", "桌面端", "机器人"][at]}）上登录。`,
      ],
    },
  })),
  "im.friend.request.sent": [
    {
      when: "ann asks bob",
      payload: asked,
      told: { [bob]: ["friend.request", "User 9 wants to be your friend.", "User 9请求添加你为好友。"] },
    },
  ],
  "im.friend.request.handled": [
    {
      when: "bob accepts",
      payload: { ...asked, accepted: true },
      told: { [ann]: ["friend.accepted", "User 10 accepted your friend request.", "User 10通过了你的好友申请。"] },
    },
    {
      when: "bob rejects",
      payload: { ...asked, accepted: false },
      told: { [ann]: ["friend.rejected", "User 10 declined your friend request.", "User 10拒绝了你的好友申请。"] },
    },
  ],
  "im.friend.removed": nobody({ userId: ann, peerId: bob }),
  "im.friend.updated": nobody({ userId: ann, peerId: bob }),
  "im.friend.block.changed": nobody({ userId: ann, peerId: dora, blocked: true }),
  "im.group.created": nobody({ groupId, actorId: ann, memberIds: [bob] }),
  "im.group.invitation.sent": [
    {
      when: "ann invites bob",
      payload: invited,
      told: { [bob]: ["group.invitation", 'User 9 invites you to the group "Hikers".', "User 9邀请你加入群“Hikers”。"] },
    },
  ],
  "im.group.invitation.handled": [
    {
      when: "bob accepts",
      payload: { ...invited, accepted: true },
      told: {
        [ann]: [
          "group.invitation.accepted",
          'User 10 accepted your invitation to the group "Hikers".',
          "User 10接受了你的邀请，加入了群“Hikers”。",
        ],
      },
    },
    {
      when: "bob rejects",
      payload: { ...invited, accepted: false },
      told: {
        [ann]: [
          "group.invitation.rejected",
          'User 10 declined your invitation to the group "Hikers".',
          "User 10拒绝了加入群“Hikers”的邀请。",
        ],
      },
    },
  ],
  "im.group.join.requested": [
    {
      when: "dora asks, and ann and bob may answer",
      payload: { requestId: "3", groupId, userId: dora, approverIds: [ann, bob] },
      told: Object.fromEntries(
        [ann, bob].map((userId): [string, Told] => [
          userId,
          ["group.join.request", 'User 12 asks to join the group "Hikers".', "User 12申请加入群“Hikers”。"],
        ]),
      ),
    },
  ],
  "im.group.join.handled": [
    {
      when: "ann accepts dora",
      payload: { requestId: "3", groupId, userId: dora, actorId: ann, accepted: true },
      told: {
        [dora]: [
          "group.join.accepted",
          'Your request to join the group "Hikers" was accepted.',
          "你加入群“Hikers”的申请已通过。",
        ],
      },
    },
    {
      when: "ann rejects dora",
      payload: { requestId: "4", groupId, userId: dora, actorId: ann, accepted: false },
      told: {
        [dora]: [
          "group.join.rejected",
          'Your request to join the group "Hikers" was declined.',
          "你加入群“Hikers”的申请被拒绝。",
        ],
      },
    },
  ],
  "im.message.recalled": nobody({ conversationId: `g_${groupId}`, messageId: "1", actorId: ann }),
  "im.message.pinned": nobody({ conversationId: `g_${groupId}`, messageId: "1", actorId: ann }),
  "im.message.schedule.failed": [
    {
      when: "ann's message was refused",
      payload: { scheduledId: "5", userId: ann, conversationId: "d_9_10", reason: "NOT_FRIENDS" },
      told: {
        [ann]: [
          "message.schedule.failed",
          "Your scheduled message was not sent: This person is not your friend.",
          "你的定时消息未能发送：对方不是你的好友。",
        ],
      },
    },
  ],
  "im.system.alert.triggered": nobody({ alert: "a", detail: "d" }),
  "im.user.deleted": nobody({ userId: dora, groupIds: [] }),
};

type ChangeCase = Case<Partial<GroupChange>>;
const added: Told = ["group.added", 'User 9 added you to the group "Hikers".', "User 9将你加入了群“Hikers”。"];

/** The changes of groups; ann makes them all unless it says otherwise. */
const changes: { readonly [E in GroupChange["event"]]: readonly ChangeCase[] } = {
  "group.created": [
    {
      when: "bob and cid join at once",
      payload: { userIds: [ann, bob, cid], data: { name: "Hikers" } },
      told: { [bob]: added, [cid]: added },
    },
    { when: "it has no other member", payload: { userIds: [ann], data: { name: "Hikers" } } },
  ],
  "group.renamed": [{ when: "it has another name", payload: { data: { name: "Walkers" } } }],
  "group.avatar.changed": [{ when: "it has another picture", payload: { data: { avatar: "" } } }],
  "group.announcement.changed": [
    {
      when: "ann announces",
      payload: { data: { announcement: "Tomorrow at six" } },
      told: Object.fromEntries(
        [bob, cid].map((userId): [string, Told] => [
          userId,
          ["group.announcement", 'User 9 posted an announcement in the group "Hikers".', "User 9在群“Hikers”发布了公告。"],
        ]),
      ),
    },
    { when: "the announcement is taken away", payload: { data: { announcement: "" } } },
  ],
  "group.settings.changed": [{ when: "it is open now", payload: { data: { joinMode: "open" } } }],
  "group.muted": [{ when: "all are muted", payload: {} }],
  "group.unmuted": [{ when: "all may speak", payload: {} }],
  "group.dissolved": [
    {
      when: "it ends",
      payload: { userIds: [ann, bob, cid], data: { name: "Hikers" } },
      told: Object.fromEntries(
        [bob, cid].map((userId): [string, Told] => [
          userId,
          ["group.dissolved", 'User 9 dissolved the group "Hikers".', "User 9解散了群“Hikers”。"],
        ]),
      ),
    },
  ],
  "group.owner.changed": [
    {
      when: "it is bob's",
      payload: { userIds: [bob], data: { previousOwnerId: ann } },
      told: { [bob]: ["group.owner.changed", 'You are now the owner of the group "Hikers".', "你已成为群“Hikers”的群主。"] },
    },
  ],
  "member.joined": [
    { when: "dora is brought in", payload: { userIds: [dora], data: { inviterId: ann } }, told: { [dora]: added } },
    { when: "dora accepts an invitation", payload: { actorId: dora, userIds: [dora], data: { inviterId: ann } } },
    { when: "dora's request is accepted", payload: { userIds: [dora] } },
    { when: "dora comes by herself", payload: { actorId: dora, userIds: [dora] } },
  ],
  "member.left": [{ when: "bob leaves", payload: { actorId: bob, userIds: [bob] } }],
  "member.removed": [
    {
      when: "bob is put out",
      payload: { userIds: [bob] },
      told: { [bob]: ["group.removed", 'User 9 removed you from the group "Hikers".', "User 9将你移出了群“Hikers”。"] },
    },
  ],
  "member.role.changed": [
    {
      when: "bob is an admin",
      payload: { userIds: [bob], data: { role: "admin" } },
      told: { [bob]: ["group.role.changed", 'You are now an admin of the group "Hikers".', "你已成为群“Hikers”的管理员。"] },
    },
    {
      when: "bob is none",
      payload: { userIds: [bob], data: { role: "member" } },
      told: {
        [bob]: ["group.role.changed", 'You are no longer an admin of the group "Hikers".', "你不再是群“Hikers”的管理员。"],
      },
    },
  ],
  "member.muted": [
    {
      when: "bob is muted",
      payload: { userIds: [bob], data: { mutedUntil: 99 } },
      told: { [bob]: ["group.muted", 'You are muted in the group "Hikers".', "你在群“Hikers”被禁言。"] },
    },
  ],
  "member.unmuted": [
    {
      when: "bob may speak",
      payload: { userIds: [bob] },
      told: { [bob]: ["group.muted", 'You are no longer muted in the group "Hikers".', "你在群“Hikers”的禁言已解除。"] },
    },
  ],
};

const subjectOf = (event: string): "im.group.member.joined" | "im.group.member.left" | "im.group.changed" =>
  event === "member.joined"
    ? "im.group.member.joined"
    : /^member\.(left|removed)$/.test(event)
      ? "im.group.member.left"
      : "im.group.changed";

let world: World;
before(async () => void (world = await notificationNode()));
after(() => world[Symbol.asyncDispose]());

/** All that people have, by the ids of their notifications. */
async function held(): Promise<Map<string, { userId: string; told: Told }>> {
  const found = new Map<string, { userId: string; told: Told }>();
  for (const userId of people) {
    const listIn = async (language: "en" | "zh") =>
      (await world.node.as(userId, "notification.list", { limit: 100 }, { language })).items;
    const [english, chinese] = [await listIn("en"), await listIn("zh")];
    for (const [at, { notificationId, type, text }] of english.entries())
      found.set(notificationId, { userId, told: [type, text, chinese[at]?.text ?? ""] });
  }
  return found;
}

async function assertTells<N extends DomainEventName>(subject: N, payload: DomainEvents[N], told: Case<never>["told"] = {}) {
  const before = await held();
  world.around.deliveries.length = 0;
  await world.around.publish(subject, payload);
  await world.around.settled();
  const now = [...(await held())].filter(([id]) => !before.has(id)).map(([, { userId, told: said }]) => [userId, said]);
  assert.deepEqual(Object.fromEntries(now), told);
  assert.equal(now.length, Object.keys(told).length, "one for each");
  assert.deepEqual(world.around.deliveries.map(({ room, event }) => [room, event]).sort(), [
    ...Object.keys(told)
      .map((userId) => [`u:${userId}`, "notification:new"])
      .sort(),
  ]);
}

describe("an event", () => {
  for (const [subject, cases] of Object.entries(events) as [DomainEventName, readonly Case<never>[]][])
    for (const { when, payload, told } of cases)
      it(`${subject} tells ${told ? "those whom it concerns" : "nobody"} when ${when}`, () =>
        assertTells(subject, payload, told));
});

describe("a change of a group", () => {
  before(async () => {
    await world[Symbol.asyncDispose]();
    world = await notificationNode();
  });
  for (const [event, cases] of Object.entries(changes) as [GroupChange["event"], readonly ChangeCase[]][])
    for (const { when, payload, told } of cases)
      it(`${event} tells ${told ? "those whom it concerns" : "nobody"} when ${when}`, () => {
        const change = { event, actorId: ann, userIds: [], ...payload, data: { version: "1", ...payload.data } };
        return assertTells(subjectOf(event), { groupId, change }, told);
      });
});

describe("announcements", () => {
  it("that one person posts within a minute are told as one, those of others by themselves", async () => {
    await using other = await notificationNode();
    const post = (actorId: string) =>
      other.around.publish("im.group.changed", {
        groupId,
        change: { event: "group.announcement.changed", actorId, userIds: [], data: { announcement: "words" } },
      });
    for (let n = 0; n < 10; n++) await post(ann);
    await post(bob);
    await other.around.settled();
    const told = async (userId: string) =>
      (await other.node.as(userId, "notification.list", {})).items.map(({ data }) => data["fromUser"]);
    const from = (userId: string) => ({ userId, nickname: `User ${userId}` });
    const ofAnn = (await told(cid)).filter((by) => JSON.stringify(by) === JSON.stringify(from(ann)));
    assert.ok(ofAnn.length >= 1 && ofAnn.length <= 2, "a minute may end between them");
    assert.deepEqual(await told(ann), [from(bob)]);
  });
});
