import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { runCommand } from "../../repl/commands.ts";
import { errorType } from "../support/accounts.ts";
import { refuseText } from "../support/faults.ts";
import { befriend, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";

let im: Im;
let a: TestUser;
let conversationId: string;
before(async () => void (im = await startIm()));
after(() => im.stop());
beforeEach(async () => {
  const b = await buildUser(im);
  a = await buildUser(im);
  conversationId = await befriend(im, a, b);
  await im.sql.execute("delete from dead_letter");
});

/** Sends messages that become dead letters, one after the other. */
async function die(words: readonly string[]): Promise<void> {
  for (const one of words) {
    assert.equal(await errorType(im.node.as(a.userId, "message.send", text(conversationId, one))), "SEND_FAILED");
  }
}
async function said(): Promise<string[]> {
  const { items } = await im.node.as(a.userId, "message.history", { conversationId, limit: 100 });
  return items.flatMap((item) => ("content" in item ? [String(item.content["text"])] : []));
}
const deadWords = async (): Promise<string[]> =>
  (await im.log.deadLetters(1_000)).map(({ record }) => String(record.content["text"]));

/** Counts the dead letters that are read. */
function countReads(): { read(): number; calls(): number; end(): void } {
  const { deadLetters } = im.log;
  let [read, calls] = [0, 0];
  im.log.deadLetters = async (...page) => {
    const letters = await deadLetters.apply(im.log, page);
    calls++;
    read += letters.length;
    return letters;
  };
  return { read: () => read, calls: () => calls, end: () => void (im.log.deadLetters = deadLetters) };
}

describe("redriving dead letters", () => {
  it("reads each of them once, in pages, and passes over those that stay dead", async () => {
    const lifts = [await refuseText(im.sql, "poison"), await refuseText(im.sql, "venom")];
    const words = Array.from({ length: 25 }, (_, i) => `${i < 12 ? "venom" : "poison"} ${i}`);
    await die(words);
    await lifts[0]!();
    const reads = countReads();
    const pages = [];
    for (let cursor: string | undefined = undefined, isLast = false; !isLast;) {
      const page: { redriven: number; nextCursor?: string } = await im.node.call("persister.redrive", {
        limit: 10,
        ...(cursor !== undefined && { cursor }),
      });
      pages.push(page.redriven);
      cursor = page.nextCursor;
      isLast = cursor === undefined;
    }
    assert.deepEqual(pages, [0, 8, 5]);
    assert.deepEqual([reads.calls(), reads.read()], [3, 25]);
    reads.end();
    assert.deepEqual((await said()).toSorted(), words.slice(12).toSorted());
    assert.deepEqual(await deadWords(), words.slice(0, 12));
    await lifts[1]!();
  });

  it("drives all of them at one command of the operator, however many pages they are", async () => {
    const lift = await refuseText(im.sql, "poison");
    const words = Array.from({ length: 7 }, (_, i) => `poison ${i}`);
    await die(words);
    await lift();
    const end = intercept(im.broker, "persister.redrive", (proceed, params) => proceed({ ...params, limit: 3 }));
    assert.equal((await runCommand(im.broker, ["redrive"]))[0], "messages driven again: 7");
    end();
    assert.deepEqual((await said()).toSorted(), words);
    assert.deepEqual(await deadWords(), []);
  });

  it("is refused while the log takes nothing, and leaves all where they are", async () => {
    const lift = await refuseText(im.sql, "poison");
    await die(["poison"]);
    await lift();
    const { isAccepting } = im.log;
    im.log.isAccepting = () => false;
    assert.equal(await errorType(im.node.call("persister.redrive", { limit: 10 })), "SEND_FAILED");
    im.log.isAccepting = isAccepting;
    assert.deepEqual(await deadWords(), ["poison"]);
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
  });

  it("takes only a cursor that it gave", async () => {
    for (const cursor of ["", "1", "1.", ".1", "1.2.3", "x.1", "1.-1"])
      assert.equal(await errorType(im.node.call("persister.redrive", { limit: 1, cursor })), "VALIDATION", cursor);
  });
});
