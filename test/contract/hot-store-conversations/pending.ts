import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageRecord } from "../../../contracts/records.ts";
import { buildRecord, newId } from "../../support/records.ts";
import { accept, accepted, buildRequest, load, type Using } from "./requests.ts";

export function pending(name: string, using: Using): void {
  describe(`hot conversations on ${name}: on the way to the database`, () => {
    const idsOf = (records: readonly MessageRecord[]): string[] => records.map(({ messageId }) => messageId);

    it(
      "keeps a message pending from its acceptance until it is persisted",
      using(async (hot) => {
        const id = await load(hot);
        const record = await accepted(hot, buildRequest(id), 1_000);
        assert.deepEqual(await hot.pending(1_000, 10), [record]);
        assert.deepEqual(await hot.pendingStats(), { count: 1, oldestAt: 1_000 });
        const found = await hot.find(record.messageId);
        assert.deepEqual([found?.record, found?.persistStatus, found?.loggedAt], [record, "PENDING", null]);
        await hot.logged([record]);
        assert.equal((await hot.pendingStats()).count, 1);
        assert.ok((await hot.find(record.messageId))!.loggedAt! > 0);
        await hot.persisted([record]);
        assert.deepEqual(await hot.pendingStats(), { count: 0, oldestAt: null });
        assert.deepEqual(await hot.pending(Number.MAX_SAFE_INTEGER, 10), []);
        assert.ok([undefined, "PERSISTED"].includes((await hot.find(record.messageId))?.persistStatus));
      }),
    );

    it(
      "gives back all of a message, be it traced, in a thread, one that burns, or several of these",
      using(async (hot) => {
        const id = await load(hot);
        const rare = [{ threadId: "5" }, { traceparent: "00-ab-cd-01" }, { burnAfterMs: 1_000 }];
        const parts = rare.reduce<object[]>((some, one) => [...some, ...some.map((other) => ({ ...other, ...one }))], [{}]);
        for (const more of parts) {
          const request = buildRequest(id, more);
          const { bySystem: _bySystem, inSql: _inSql, ...fields } = request;
          const { seq } = await accepted(hot, request, 1_000);
          assert.deepEqual((await hot.find(request.messageId))?.record, { ...fields, seq, createdAt: 1_000 });
        }
      }),
    );

    it(
      "gives pending messages oldest first, none that is younger than asked for, and no more than asked for",
      using(async (hot) => {
        const [a, b] = [await load(hot), await load(hot)];
        const records: MessageRecord[] = [];
        for (const [index, id] of [a, b, a, b].entries()) records.push(await accepted(hot, buildRequest(id), 1_000 + index));
        assert.deepEqual(idsOf(await hot.pending(1_002, 10)), idsOf(records.slice(0, 3)));
        assert.deepEqual(idsOf(await hot.pending(9_000, 2)), idsOf(records.slice(0, 2)));
        assert.deepEqual(await hot.pending(999, 10), []);
        await hot.persisted([records[0]!]);
        assert.deepEqual(await hot.pendingStats(), { count: 3, oldestAt: 1_001 });
      }),
    );

    it(
      "holds the stable seq below what is not in the log",
      using(async (hot) => {
        const id = await load(hot, { headSeq: 10 });
        assert.deepEqual(await hot.stableSeqs([id, "g_404"]), new Map([[id, 10]]));
        const records: MessageRecord[] = [];
        for (let i = 0; i < 4; i++) records.push(await accepted(hot, buildRequest(id)));
        assert.deepEqual(await hot.stableSeqs([id]), new Map([[id, 10]]));
        assert.deepEqual(await hot.logged([records[1]!]), new Map([[id, 10]]), "12 before 11");
        assert.deepEqual(await hot.logged([records[0]!]), new Map([[id, 12]]));
        assert.deepEqual(await hot.logged([records[0]!, records[2]!, records[3]!]), new Map([[id, 14]]));
        assert.deepEqual(await hot.stableSeqs([id]), new Map([[id, 14]]));
      }),
    );

    it(
      "shows what is stable and not persisted, by seq, of one conversation",
      using(async (hot) => {
        const [id, other] = [await load(hot, { headSeq: 10 }), await load(hot)];
        assert.deepEqual(await hot.unpersisted(id), []);
        assert.deepEqual(await hot.unpersisted("g_404"), []);
        const records: MessageRecord[] = [];
        for (let i = 0; i < 4; i++) records.push(await accepted(hot, buildRequest(id)));
        await hot.logged([await accepted(hot, buildRequest(other))]);
        assert.deepEqual(await hot.unpersisted(id), [], "none is in the log");
        await hot.logged([records[1]!, records[0]!, records[3]!]);
        assert.deepEqual(await hot.unpersisted(id), records.slice(0, 2), "14 stands above 13, which is not in the log");
        await hot.persisted([records[0]!]);
        assert.deepEqual(await hot.unpersisted(id), [records[1]]);
        await hot.refused([records[2]!]);
        assert.deepEqual(await hot.unpersisted(id), [records[1], records[3]]);
        await hot.persisted([records[1]!, records[3]!]);
        assert.deepEqual(await hot.unpersisted(id), []);
      }),
    );

    it(
      "counts what is persisted as logged, whoever was told of it",
      using(async (hot) => {
        const id = await load(hot);
        const records = [await accepted(hot, buildRequest(id)), await accepted(hot, buildRequest(id))];
        await hot.persisted(records);
        assert.deepEqual(await hot.stableSeqs([id]), new Map([[id, 2]]));
      }),
    );

    it(
      "forgets what the log refused: its seq is void and its client message id is free",
      using(async (hot) => {
        const id = await load(hot);
        const [poison, good] = [buildRequest(id), buildRequest(id)];
        const [refused, logged] = [await accepted(hot, poison), await accepted(hot, good)];
        await hot.logged([logged]);
        await hot.refused([refused]);
        assert.deepEqual(await hot.stableSeqs([id]), new Map([[id, 2]]));
        assert.deepEqual(await hot.pending(9_000, 10), [logged]);
        assert.equal(await hot.find(refused.messageId), null);
        assert.equal((await accepted(hot, { ...poison, bodyHash: "corrected" })).seq, 3);
      }),
    );

    it(
      "leaves a client message id alone that was taken again since its refusal",
      using(async (hot) => {
        const id = await load(hot);
        const request = buildRequest(id);
        const refused = await accepted(hot, request);
        await hot.refused([refused]);
        const again = await accepted(hot, { ...request, messageId: newId() });
        await hot.refused([refused]);
        assert.equal((await accept(hot, request)).kind, "duplicate");
        assert.deepEqual(await hot.pending(9_000, 10), [again]);
      }),
    );

    it(
      "takes what is told of messages twice, or of unknown ones, without harm",
      using(async (hot) => {
        const id = await load(hot);
        const record = await accepted(hot, buildRequest(id));
        for (let i = 0; i < 2; i++) {
          await hot.logged([record]);
          await hot.persisted([record]);
        }
        const stranger = buildRecord();
        assert.deepEqual(await hot.logged([stranger]), new Map());
        await hot.persisted([stranger]);
        await hot.refused([stranger]);
        assert.deepEqual(await hot.pendingStats(), { count: 0, oldestAt: null });
        assert.deepEqual(await hot.stableSeqs([id]), new Map([[id, 1]]));
      }),
    );
  });
}
