import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_NOTIFICATIONS_KEPT } from "../../config/limits.ts";
import type { Notification } from "../../contracts/entities.ts";
import type { Deliveries } from "../../lib/push.ts";
import type { Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/index.ts";
import { notifyOfEvent, notifyUsers } from "../../services/notification/notify-users.ts";
import { eraseNotifications } from "../../services/notification/repository.ts";
import { createDatabase } from "../support/database.ts";
import { buildGroup, addToGroup, buildUser, startIm, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

const ann = "9";
const bob = "10";
const notice = { userIds: [ann, bob], type: "system.notice", data: { text: "words" } };

/** What the use cases work with; `online`: who presence says is online, null while it is away. */
function depsOn(sql: Database, online: readonly string[] | null = null) {
  const deliveries: Deliveries[] = [];
  let ids = 0;
  const answers: Record<string, (params: never) => unknown> = {
    "settings.of": () => ({}),
    "user.getMany": () => [],
    "presence.of": ({ userIds }: { userIds: string[] }) => {
      if (!online) throw new Error("presence is away");
      return userIds.map((userId) => ({ userId, online: online.includes(userId) }));
    },
    "socket.deliver": (params: { deliveries: Deliveries }) => void deliveries.push(params.deliveries),
  };
  const calls = {
    call: async (name: string, params: unknown) => answers[name]?.(params as never),
  } as unknown as Calls;
  return { deps: { sql, calls, ids: { next: () => String(1_000 + ++ids) }, now: Date.now }, deliveries };
}

const countOf = async (sql: Database, userId: string): Promise<number> =>
  (await sql.select("select 1 from notification where user_id = :userId", { userId })).length;

describe("notifications", () => {
  it("are kept up to a number for each user, the newest", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const { deps } = depsOn(sql);
    const rowsOf = (userId: string, count: number, from: number) =>
      Array.from({ length: count }, (_, at) => ({
        ...{ notification_id: String(from + at), user_id: userId, event_id: `old${at}`, type: "system.notice" },
        ...{ data: JSON.stringify({ text: "old" }), read_at: null, created_at: at },
      }));
    await sql.insertRows("notification", rowsOf(ann, MAX_NOTIFICATIONS_KEPT, 1), "fail");
    await sql.insertRows("notification", rowsOf(bob, MAX_NOTIFICATIONS_KEPT - 1, 5_000), "fail");
    await notifyUsers(deps, "e1", { ...notice, userIds: [ann, bob] });
    await notifyUsers(deps, "e2", { ...notice, userIds: [ann] });
    const oldest = async (userId: string): Promise<unknown> =>
      (await sql.select("select min(notification_id) as id from notification where user_id = :userId", { userId }))[0]?.["id"];
    assert.deepEqual([await countOf(sql, ann), await countOf(sql, bob)], [MAX_NOTIFICATIONS_KEPT, MAX_NOTIFICATIONS_KEPT]);
    assert.deepEqual([Number(await oldest(ann)), Number(await oldest(bob))], [3, 1_002]);
  });

  it("of an event that comes again come once, also when they are not kept any more", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const { deps, deliveries } = depsOn(sql);
    await Promise.all(Array.from({ length: 5 }, () => notifyOfEvent(deps, "e1", notice)));
    assert.deepEqual([await countOf(sql, ann), deliveries.flat().length], [1, 2]);
    await sql.execute("delete from notification where user_id = :ann", { ann });
    await notifyOfEvent(deps, "e1", notice);
    await notifyOfEvent(deps, "e2", { ...notice, onceAs: "same" });
    await notifyOfEvent(deps, "e3", { ...notice, onceAs: "same" });
    assert.deepEqual([await countOf(sql, ann), await countOf(sql, bob), deliveries.flat().length], [1, 2, 4]);
  });

  it("of who is gone are gone, whatever comes at the same time or later", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const { deps } = depsOn(sql);
    const other = depsOn(await database.reopen());
    const users = Array.from({ length: 12 }, (_, at) => String(100 + at));
    let ids = 0;
    const next = () => String(++ids);
    await Promise.all(
      users.flatMap((userId, at) => [
        notifyOfEvent({ ...deps, ids: { next } }, `a${at}`, { ...notice, userIds: [userId, ann] }),
        eraseNotifications(sql, userId, Date.now()),
        notifyUsers({ ...other.deps, ids: { next } }, `b${at}`, { ...notice, userIds: [userId, ann] }),
      ]),
    );
    await notifyOfEvent(deps, "late", { ...notice, userIds: users });
    for (const userId of users) assert.equal(await countOf(sql, userId), 0);
    assert.equal(await countOf(sql, ann), 2 * users.length);
    await other.deps.sql.close();
  });

  it("of many users are pushed in few calls to those who are online, to all while nobody can say who is", async () => {
    await using database = await createDatabase();
    const userIds = Array.from({ length: 1_200 }, (_, at) => String(at + 1));
    const online = depsOn(database.sql, ["7", "800", "801"]);
    await notifyUsers(online.deps, "e1", { ...notice, userIds });
    assert.deepEqual(
      online.deliveries.map((call) => call.map(({ room }) => room)),
      [["u:7"], ["u:800", "u:801"]],
    );
    const unknown = depsOn(database.sql);
    unknown.deps.ids.next = (
      (id) => () =>
        String(++id)
    )(10_000);
    await notifyUsers(unknown.deps, "e2", { ...notice, userIds });
    assert.deepEqual(
      unknown.deliveries.map(({ length }) => length),
      [500, 500, 200],
    );
  });
});

const typesOf = async (user: TestUser): Promise<string[]> =>
  (await user.rest.get<{ items: Notification[] }>("/notifications")).data.items.map(({ type }) => type).toReversed();

async function withFriends(im: Im) {
  const [owner, member] = [await buildUser(im), await buildUser(im)];
  return { owner, member };
}

describe("in the whole product", () => {
  it("who is brought into a group hears it once, and so does whose request is accepted", async () => {
    await using im = await startIm();
    const { owner, member } = await withFriends(im);
    const late = await buildUser(im);
    const asker = await buildUser(im);
    const { groupId } = await buildGroup(im, owner, [member], { joinMode: "approval" });
    await addToGroup(im, owner, groupId, [late]);
    const { requestId } = await im.node.as(asker.userId, "group.join", { groupId });
    assert.ok(requestId);
    await im.node.as(owner.userId, "group.handleJoinRequest", { groupId, requestId, action: "accept" });
    await im.settled(); // what the answer tells has another key than what the group tells: no order holds between them
    await im.node.as(owner.userId, "group.setAnnouncement", { groupId, text: "words of the owner" });
    await im.settled();
    assert.deepEqual(await typesOf(member), ["group.added", "group.announcement"]);
    assert.deepEqual(await typesOf(late), ["group.added", "group.announcement"]);
    assert.deepEqual(await typesOf(asker), ["group.join.accepted", "group.announcement"]);
    assert.deepEqual(await typesOf(owner), ["group.join.request"]);
    const [row] = await im.sql.select<{ data: string }>("select data from notification where type = 'group.announcement'");
    assert.doesNotMatch(row?.data ?? "", /words of the owner/);
  });

  it("a sign-in on a new device is told to the others, not the first one and not one that is known", async () => {
    await using im = await startIm();
    const user = await buildUser(im);
    const socket = await im.connect({ token: user.token });
    await user.signIn({ deviceId: "phone-1", deviceType: "ios" });
    const told = await socket.next<Notification>("notification:new");
    assert.deepEqual([told.type, told.data], ["device.new", { deviceId: "phone-1", deviceType: "ios" }]);
    await user.signIn({ deviceId: "phone-1", deviceType: "ios" });
    await im.settled();
    assert.deepEqual(await typesOf(user), ["device.new"]);
    await im.node.as(user.userId, "user.deleteMe", {});
    await waitFor(async () => (await countOf(im.sql, user.userId)) === 0);
  });

  it("a sign-in that names no device is told when nothing of its type and name was there before, and once", async () => {
    await using im = await startIm();
    const user = await buildUser(im);
    await user.signIn();
    await user.signIn({ deviceType: "web" });
    await im.settled();
    assert.deepEqual(await typesOf(user), [], "all are the browser without a name that came first");
    for (const other of [
      { deviceType: "bot" },
      { deviceType: "bot", deviceName: "reports" },
      { deviceName: "At work" },
    ] as const) {
      await user.signIn(other);
      await user.signIn(other);
    }
    await im.settled();
    assert.deepEqual(await typesOf(user), ["device.new", "device.new", "device.new"]);
    await user.signIn({ deviceId: "phone-1", deviceType: "ios" });
    await user.signIn({ deviceId: "phone-2", deviceType: "ios" });
    await im.settled();
    assert.equal((await typesOf(user)).length, 5, "what has an id is known by it alone");
  });

  it("what is read on one device is read on the others, which hear of it", async () => {
    await using im = await startIm();
    const { owner, member } = await withFriends(im);
    const phone = await owner.signIn({ deviceId: "phone", deviceType: "ios" });
    await im.settled();
    const [here, there, stranger] = [
      await im.connect({ token: owner.token }),
      await im.connect({ token: phone.token }),
      await im.connect({ token: member.token }),
    ];
    for (const eventId of ["e1", "e2"])
      await im.node.call("notification.notify", { ...notice, eventId, userIds: [owner.userId] });
    const { items } = (await owner.rest.get<{ items: Notification[] }>("/notifications")).data;
    const [first] = items;
    assert.ok(first);
    await owner.rest.put("/notifications/read", { ids: [first.notificationId] });
    assert.deepEqual(await there.next("notification:read"), { ids: [first.notificationId], count: items.length - 1 });
    await owner.rest.put("/notifications/read", { ids: [first.notificationId] });
    await owner.rest.put("/notifications/read", { all: true });
    assert.deepEqual(await there.next("notification:read"), { ids: null, count: 0 });
    assert.deepEqual((await phone.rest.get("/notifications/unread-count")).data, { count: 0 });
    await phone.rest.put("/notifications/read", { all: true });
    await im.node.call("notification.notify", { ...notice, eventId: "e3", userIds: [owner.userId, member.userId] });
    for (const socket of [here, there, stranger])
      await socket.next("notification:new", ({ data }: Notification) => data["text"] === "words");
    assert.deepEqual(
      [here, stranger].flatMap(({ received }) => received.filter(({ event }) => event === "notification:read")),
      [],
    );
  });
});
