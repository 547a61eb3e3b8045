import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AcceptOutcome } from "../../../mixins/hot-store/port.ts";
import { newId } from "../../support/records.ts";
import { accept, accepted, buildRequest, load, seqOf, type Using } from "./requests.ts";

export function accepting(name: string, using: Using): void {
  describe(`hot conversations on ${name}: accepting`, () => {
    it(
      "gives seqs from the head on without a hole, and the record as it was asked for",
      using(async (hot) => {
        const id = await load(hot, { headSeq: 41 });
        const request = buildRequest(id, { content: { text: "\ud800 😀 \u0000" }, mentions: ["8"], requestId: "r" });
        const { bySystem: _bySystem, inSql: _inSql, ...fields } = request;
        assert.deepEqual(await accepted(hot, request, 123), { ...fields, seq: 42, createdAt: 123 });
        assert.equal((await accepted(hot, buildRequest(id))).seq, 43);
      }),
    );

    it(
      "decides the requests of a call in their order, each conversation with seqs of its own",
      using(async (hot) => {
        const [a, b] = [await load(hot), await load(hot, { headSeq: 10 })];
        const outcomes = await hot.accept(
          [a, b, a, b, a].map((id) => buildRequest(id)),
          1,
        );
        assert.deepEqual(outcomes.map(seqOf), [1, 11, 2, 12, 3]);
      }),
    );

    it(
      "gives each seq once to calls that run at the same time",
      using(async (hot) => {
        const id = await load(hot);
        const calls = Array.from({ length: 50 }, () => hot.accept([buildRequest(id), buildRequest(id)], 1));
        const seqs = (await Promise.all(calls)).flat().map(seqOf) as number[];
        assert.deepEqual(
          seqs.toSorted((a, b) => a - b),
          Array.from({ length: 100 }, (_, index) => index + 1),
        );
      }),
    );

    it(
      "is cold until it is loaded, and again when its members were forgotten; its counter goes on",
      using(async (hot) => {
        const id = `g_${newId()}`;
        assert.deepEqual(await accept(hot, buildRequest(id)), { kind: "cold" });
        await load(hot, { conversationId: id, headSeq: 5 });
        assert.equal((await accepted(hot, buildRequest(id))).seq, 6);
        await hot.invalidateMembers(id);
        assert.deepEqual(await accept(hot, buildRequest(id)), { kind: "cold" });
        await load(hot, { conversationId: id, headSeq: 5 });
        assert.equal((await accepted(hot, buildRequest(id))).seq, 7);
      }),
    );

    it(
      "holds up what follows a cold conversation in the same call, and no other conversation",
      using(async (hot) => {
        const [warm, cold] = [await load(hot), `g_${newId()}`];
        const outcomes = await hot.accept(
          [cold, warm, cold, warm].map((id) => buildRequest(id)),
          1,
        );
        assert.deepEqual(outcomes.map(seqOf), ["cold", 1, "cold", 2]);
      }),
    );

    it(
      "takes no seq for a client message id of which only SQL can tell, nor for what follows it",
      using(async (hot) => {
        const [id, other] = [await load(hot), await load(hot)];
        const unasked = buildRequest(id, { inSql: "unasked" });
        const [first, second, third] = await hot.accept([unasked, buildRequest(id), buildRequest(other)], 1);
        assert.equal(third?.kind, "accepted");
        if (first?.kind !== "unknown_key") return; // it could tell by itself
        assert.equal(second?.kind, "unknown_key");
        assert.equal((await accepted(hot, { ...unasked, inSql: "absent" })).seq, 1);
      }),
    );

    it(
      "answers from what SQL knows",
      using(async (hot) => {
        const id = await load(hot, { headSeq: 3 });
        const known = { messageId: "55", seq: 2, createdAt: 9, bodyHash: "hash" };
        const { bodyHash: _bodyHash, ...answer } = known;
        assert.deepEqual(await accept(hot, buildRequest(id, { inSql: known })), { kind: "duplicate", ...answer, pending: null });
        assert.deepEqual(await accept(hot, buildRequest(id, { inSql: known, bodyHash: "other" })), { kind: "conflict" });
        assert.equal((await accepted(hot, buildRequest(id))).seq, 4);
      }),
    );

    it(
      "gives a repeated client message id the first answer, also within one call",
      using(async (hot) => {
        const id = await load(hot);
        const request = buildRequest(id);
        const [first, second] = await hot.accept([request, { ...request, messageId: newId() }], 1_000);
        assert.equal(first?.kind, "accepted");
        const record = (first as AcceptOutcome & { kind: "accepted" }).record;
        const answer = { kind: "duplicate", messageId: record.messageId, seq: 1, createdAt: 1_000 };
        assert.deepEqual(second, { ...answer, pending: record });
        assert.deepEqual(await accept(hot, { ...request, messageId: newId() }, 5_000), { ...answer, pending: record });
        await hot.logged([record]);
        assert.deepEqual(
          await accept(hot, { ...request, messageId: newId() }, 5_000),
          { ...answer, pending: null },
          "it is in the log",
        );
        await hot.persisted([record]);
        assert.deepEqual(await accept(hot, { ...request, messageId: newId() }, 5_000), { ...answer, pending: null });
        assert.equal((await accepted(hot, buildRequest(id))).seq, 2);
      }),
    );

    it(
      "refuses a repeated client message id with another body, and takes no seq for it",
      using(async (hot) => {
        const id = await load(hot);
        const request = buildRequest(id);
        await accepted(hot, request);
        assert.deepEqual(await accept(hot, { ...request, bodyHash: "other" }), { kind: "conflict" });
        assert.equal((await accepted(hot, buildRequest(id))).seq, 2);
      }),
    );

    it(
      "knows a client message id for one sender in one conversation",
      using(async (hot) => {
        const [a, b] = [await load(hot), await load(hot)];
        const clientMsgId = "same";
        assert.equal((await accepted(hot, buildRequest(a, { clientMsgId }))).seq, 1);
        assert.equal((await accepted(hot, buildRequest(a, { clientMsgId, senderId: "8" }))).seq, 2);
        assert.equal((await accepted(hot, buildRequest(b, { clientMsgId }))).seq, 1);
      }),
    );
  });
}
