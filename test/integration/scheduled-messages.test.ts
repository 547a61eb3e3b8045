import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message, Notification } from "../../contracts/entities.ts";
import { MAX_SCHEDULE_AHEAD_MS, MAX_SCHEDULED_MESSAGES } from "../../contracts/limits.ts";
import { errorType } from "../support/accounts.ts";
import { buildUser, startIm, type Im } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { send, type Person } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { comeDue, later, listed, runDue, schedule, scheduler, stateOf } from "../support/scheduled.ts";
import { tablesWith } from "../support/tables.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm({}, { services: [scheduler()] })));
after(() => im.stop());

const historyOf = async (user: Person, conversationId: string): Promise<Message[]> =>
  (await im.node.as(user.userId, "message.history", { conversationId, limit: 100 })).items as Message[];
const wordsOf = async (user: Person, conversationId: string): Promise<unknown[]> =>
  (await historyOf(user, conversationId)).map(({ content }) => content["text"]);
const notificationsOf = async ({ userId }: Person): Promise<Notification[]> =>
  (await im.node.as(userId, "notification.list", {})).items;

describe("a scheduled message", () => {
  it("is sent by itself when its time has come, with the time of sending, to all devices, and not before", async () => {
    await using own = await startIm({}, { services: [scheduler(20)] });
    const { a, b, conversationId } = await buildFriends(own);
    const reader = await own.connect({ token: b.token });
    const waiting = await schedule(own, a, later(conversationId, "on time"));
    assert.deepEqual([waiting.state, waiting.content, waiting.messageId], ["waiting", { text: "on time" }, undefined]);
    const sendAt = Date.now() + 300;
    await comeDue(own, waiting, -300);
    const message = await reader.next<Message>("message:new");
    assert.deepEqual(
      [message.content, message.senderId, message.clientMsgId],
      [{ text: "on time" }, a.userId, waiting.clientMsgId],
    );
    assert.ok(message.createdAt >= sendAt && message.createdAt < sendAt + 2_000, `${message.createdAt - sendAt} ms late`);
    await waitFor(async () => (await stateOf(own, waiting)) === "sent");
    assert.deepEqual(await listed(own, a), []);
  });

  it("is seen by its author alone, in the order of the times, in pages", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const at = Date.now() + 60_000;
    const second = await schedule(im, a, later(conversationId, "2", { sendAt: at + 1 }));
    const first = await schedule(im, a, later(conversationId, "1", { sendAt: at }));
    const third = await schedule(im, a, later(conversationId, "3", { sendAt: at + 1 }));
    assert.deepEqual(await listed(im, a), [first, second, third]);
    assert.deepEqual(await listed(im, b), []);
    const page = await im.node.as(a.userId, "scheduler.list", { limit: 2 });
    assert.deepEqual(page.items, [first, second]);
    const rest = await im.node.as(a.userId, "scheduler.list", { limit: 2, cursor: page.nextCursor! });
    assert.deepEqual([rest.items, rest.nextCursor], [[third], null]);
    for (const by of [b, await buildUser(im)]) {
      const { scheduledId } = first;
      assert.equal(await errorType(im.node.as(by.userId, "scheduler.cancel", { scheduledId })), "SCHEDULED_NOT_FOUND");
      assert.equal(
        await errorType(im.node.as(by.userId, "scheduler.change", { scheduledId, sendAt: at + 5 })),
        "SCHEDULED_NOT_FOUND",
      );
    }
    assert.equal(await errorType(im.node.as(a.userId, "scheduler.list", { cursor: "7" })), "VALIDATION");
  });

  it("is made once: the same request gets the same answer whatever became of it, another body under its key is a conflict", async () => {
    const { a, conversationId } = await buildFriends(im);
    const params = later(conversationId);
    const [one, same] = await Promise.all([schedule(im, a, params), schedule(im, a, params)]);
    assert.deepEqual(one, same);
    assert.equal((await listed(im, a)).length, 1);
    for (const other of [{ content: { text: "other" } }, { sendAt: params.sendAt + 1 }])
      assert.equal(await errorType(schedule(im, a, { ...params, ...other })), "IDEMPOTENCY_CONFLICT");
    await im.node.as(a.userId, "scheduler.change", { scheduledId: one.scheduledId, content: { text: "changed" } });
    assert.deepEqual((await schedule(im, a, params)).content, { text: "changed" });
    await comeDue(im, one);
    assert.equal(await runDue(im), 1);
    assert.equal((await schedule(im, a, params)).state, "sent");
    const { clientMsgId } = await send(im, a, conversationId).then(async ({ seq }) => {
      const history = await historyOf(a, conversationId);
      return history.find((message) => message.seq === seq)!;
    });
    assert.equal(await errorType(schedule(im, a, later(conversationId, "x", { clientMsgId }))), "IDEMPOTENCY_CONFLICT");
  });

  it("is checked at once as a send is", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const stranger = await buildUser(im);
    const crew = await buildCrew(im);
    await im.node.as(crew.owner.userId, "group.muteAll", { groupId: crew.groupId, all: true });
    await im.settled();
    const now = Date.now();
    const refused = async (by: Person, params: Parameters<typeof schedule>[2]) => errorType(schedule(im, by, params));
    assert.deepEqual(
      await Promise.all([
        refused(stranger, later(conversationId)),
        refused(stranger, later(crew.conversationId)),
        refused(crew.member, later(crew.conversationId)),
        refused(a, later(conversationId, "x".repeat(9_000))),
        refused(a, later(conversationId, "", { content: { words: 1 } })),
        refused(a, later(conversationId, "?", { replyTo: "404" })),
        refused(a, later(conversationId, "soon", { sendAt: now + 9_000 })),
        refused(a, later(conversationId, "late", { sendAt: now + MAX_SCHEDULE_AHEAD_MS + 60_000 })),
      ]),
      [
        "CONVERSATION_NOT_FOUND",
        "GROUP_NOT_FOUND",
        "MUTED",
        "TEXT_TOO_LARGE",
        "VALIDATION",
        "VALIDATION",
        "VALIDATION",
        "VALIDATION",
      ],
    );
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    await im.settled();
    assert.equal(await refused(a, later(conversationId)), "CANNOT_MESSAGE");
    assert.deepEqual(await listed(im, a), []);
  });

  it("waits with at most so many others", async () => {
    const { a, conversationId } = await buildFriends(im);
    // Each of those that come at once waits for the ones before it, and no longer than a call may take.
    for (let there = 0; there < MAX_SCHEDULED_MESSAGES - 5; there++) await schedule(im, a, later(conversationId));
    const last = await Promise.allSettled(Array.from({ length: 10 }, () => schedule(im, a, later(conversationId))));
    const refused = last.filter(({ status }) => status === "rejected");
    assert.equal(refused.length, 5);
    for (const one of refused)
      assert.equal(((one as PromiseRejectedResult).reason as { type: string }).type, "TOO_MANY_SCHEDULED");
    const { scheduledId } = (await listed(im, a))[0]!;
    await im.node.as(a.userId, "scheduler.cancel", { scheduledId });
    await schedule(im, a, later(conversationId));
  });

  it("can be changed and cancelled while it waits; its words are gone then", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const one = await schedule(im, a, later(conversationId, "first words"));
    const sendAt = Date.now() + 60_000;
    const { scheduledId } = one;
    const change = (more: object) => im.node.as(a.userId, "scheduler.change", { scheduledId, ...more });
    const changed = await change({ content: { text: "second words" }, sendAt });
    assert.deepEqual(changed, { ...one, content: { text: "second words" }, sendAt });
    assert.deepEqual(await tablesWith(im.sql, "first words"), []);
    assert.deepEqual(
      await Promise.all([change({}), change({ content: {} }), change({ sendAt: 5 })].map(errorType)),
      Array(3).fill("VALIDATION"),
    );
    await comeDue(im, one);
    assert.equal(await runDue(im), 1);
    assert.deepEqual(await wordsOf(b, conversationId), ["second words"]);
    assert.equal(await errorType(change({ sendAt })), "SCHEDULED_CLOSED");
    assert.equal(await errorType(im.node.as(a.userId, "scheduler.cancel", { scheduledId })), "SCHEDULED_CLOSED");

    const other = await schedule(im, a, later(conversationId, "never said"));
    for (let i = 0; i < 2; i++) await im.node.as(a.userId, "scheduler.cancel", { scheduledId: other.scheduledId });
    assert.deepEqual(await tablesWith(im.sql, "never said"), []);
    await comeDue(im, other);
    assert.equal(await runDue(im), 0, "what ended is not due, whatever time stands there");
    assert.deepEqual(await wordsOf(b, conversationId), ["second words"]);
  });

  it("is either cancelled or sent when both come at one moment", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let round = 0; round < 10; round++) {
      const one = await schedule(im, a, later(conversationId, `round ${round}`));
      await comeDue(im, one);
      const cancel = () => errorType(im.node.as(a.userId, "scheduler.cancel", { scheduledId: one.scheduledId }));
      const racing = round % 2 ? [runDue(im), cancel()] : [cancel(), runDue(im)];
      await Promise.all(racing);
      const wasCancelled = (await stateOf(im, one)) === "cancelled";
      assert.equal((await wordsOf(b, conversationId)).includes(`round ${round}`), !wasCancelled);
      assert.equal(await cancel(), wasCancelled ? "" : "SCHEDULED_CLOSED");
    }
  });

  it("can be cancelled until it is taken to be sent, and no longer", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const cancelAt = async (action: "user.activeAmong" | "message.send", words: string): Promise<string> => {
      const one = await schedule(im, a, later(conversationId, words));
      await comeDue(im, one);
      const cancelled = Promise.withResolvers<string>();
      const restore = intercept(im.broker, action, async (proceed) => {
        restore();
        cancelled.resolve(await errorType(im.node.as(a.userId, "scheduler.cancel", { scheduledId: one.scheduledId })));
        return proceed();
      });
      await runDue(im);
      return cancelled.promise;
    };
    assert.equal(await cancelAt("user.activeAmong", "looked at"), "");
    assert.equal(await cancelAt("message.send", "taken"), "SCHEDULED_CLOSED");
    assert.deepEqual(await wordsOf(b, conversationId), ["taken"]);
  });

  it("keeps the order of one author's messages that are due together", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const all = [];
    for (let i = 0; i < 20; i++) all.push(await schedule(im, a, later(conversationId, String(i))));
    for (const [i, one] of all.entries()) await comeDue(im, one, 1_000 - i);
    assert.equal(await runDue(im), 20);
    assert.deepEqual(
      await wordsOf(b, conversationId),
      all.map((_, i) => String(i)),
    );
  });

  it("that is refused at its time becomes failed, and its author is told why", async () => {
    const { owner, member, groupId, conversationId } = await buildCrew(im);
    const reader = await im.connect({ token: member.token });
    const one = await schedule(im, member, later(conversationId, "too late"));
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, mutedUntil: Date.now() + 3_600_000 });
    await im.settled();
    await comeDue(im, one);
    assert.equal(await runDue(im), 1);
    const [failed] = await listed(im, member);
    assert.deepEqual(
      [failed?.state, failed?.failure, failed?.content],
      ["failed", { code: 3007, message: "You are muted in this group." }, { text: "too late" }],
    );
    const told = await reader.next<Notification>("notification:new", ({ type }) => type === "message.schedule.failed");
    assert.equal(told.text, "Your scheduled message was not sent: You are muted in this group.");
    assert.deepEqual(told.data, { scheduledId: one.scheduledId, conversationId, reason: "MUTED" });
    assert.equal((await notificationsOf(member)).filter(({ type }) => type === "message.schedule.failed").length, 1);
    await im.node.as(member.userId, "scheduler.cancel", { scheduledId: one.scheduledId });
    assert.deepEqual([await listed(im, member), await tablesWith(im.sql, "too late")], [[], []]);
  });

  it("of a disabled account is not sent", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const one = await schedule(im, a, later(conversationId));
    await im.node.call("user.setDisabled", { userId: a.userId, disabled: true });
    await comeDue(im, one);
    assert.equal(await runDue(im), 1);
    assert.equal(await stateOf(im, one), "failed");
    assert.deepEqual(await wordsOf(b, conversationId), []);
  });

  it("is in the export of its author, and gone with the account", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const mine = await schedule(im, a, later(conversationId, "words of one who goes"));
    await schedule(im, b, later(conversationId, "words of the other"));
    const exported = await im.node.as(a.userId, "user.exportMe", {});
    assert.deepEqual((exported as { scheduled?: unknown }).scheduled, [mine]);
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    assert.deepEqual(await tablesWith(im.sql, "words of one who goes"), []);
    assert.equal((await listed(im, b)).length, 1);
    assert.equal(await errorType(schedule(im, a, later(conversationId))), "CANNOT_MESSAGE");
  });
});
