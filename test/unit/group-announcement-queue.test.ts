import assert from "node:assert/strict";
import test from "node:test";
import { AnnouncementQueue } from "../../services/group/announcement-queue.ts";

test("announces a change once, also while it is being announced", async () => {
  const queue = new AnnouncementQueue();
  let runs = 0;
  const announce = async (): Promise<void> => {
    runs += 1;
    await Promise.resolve();
  };
  await Promise.all([queue.once("e1", "g1", announce), queue.once("e1", "g1", announce)]);
  await queue.once("e1", "g1", announce);
  assert.equal(runs, 1);
});

test("announces changes of one group in their order, and those of others meanwhile", async () => {
  const queue = new AnnouncementQueue();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.once("e1", "g1", async () => {
    await gate.promise;
    order.push("e1");
  });
  const second = queue.once("e2", "g1", async () => void order.push("e2"));
  await queue.once("e3", "g2", async () => void order.push("e3"));
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(order, ["e3", "e1", "e2"]);
});

test("lets a failed announcement come again and does not hold up the next one", async () => {
  const queue = new AnnouncementQueue();
  const failed = queue.once("e1", "g1", () => Promise.reject(new Error("away")));
  const next = queue.once("e2", "g1", () => Promise.resolve());
  await assert.rejects(failed, /away/);
  await next;
  let again = false;
  await queue.once("e1", "g1", async () => void (again = true));
  assert.equal(again, true);
});

test("announces under what keeps the other nodes from it, once for each announcement", async () => {
  const held: string[] = [];
  const queue = new AnnouncementQueue(async (groupId, work) => {
    held.push(`${groupId} begins`);
    await work();
    held.push(`${groupId} ends`);
  });
  await queue.once("1", "g", async () => void held.push("announced"));
  await queue.once("1", "g", async () => void held.push("announced twice"));
  assert.deepEqual(held, ["g begins", "announced", "g ends"]);
});

test("does once what a failure asks for, however many wait, before the group's next change", async () => {
  const order: string[] = [];
  const queue = new AnnouncementQueue();
  const fail = (): Promise<void> =>
    queue.once(
      "e1",
      "g1",
      () => Promise.reject(new Error("away")),
      async () => {
        await Promise.resolve();
        order.push("e1 failed");
        throw new Error("that too");
      },
    );
  const failed = [fail(), fail()];
  const next = queue.once("e2", "g1", async () => void order.push("e2"));
  for (const one of failed) await assert.rejects(one, /away/);
  await next;
  assert.deepEqual(order, ["e1 failed", "e2"]);
});
