import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HotMember } from "../../../mixins/hot-store/port.ts";
import { newId } from "../../support/records.ts";
import { accept, accepted, buildRequest, load, member, type Using } from "./requests.ts";

export function whoMaySend(name: string, using: Using): void {
  describe(`hot conversations on ${name}: who may send`, () => {
    const refusedFor = (reason: string) => ({ kind: "refused", reason });

    it(
      "refuses who is no member, and everybody when it is dissolved",
      using(async (hot) => {
        const id = await load(hot);
        assert.deepEqual(await accept(hot, buildRequest(id, { senderId: "9" })), refusedFor("NOT_A_MEMBER"));
        await hot.setMembers(id, {}, { dissolved: true }, await hot.generation(id));
        assert.deepEqual(await accept(hot, buildRequest(id)), refusedFor("NOT_A_MEMBER"));
        assert.equal(await hot.member(id, "7"), null);
      }),
    );

    it(
      "refuses a muted member until the mute is over",
      using(async (hot) => {
        const id = await load(hot, { members: { 7: member({ mutedUntil: 2_000 }) } });
        assert.deepEqual(await accept(hot, buildRequest(id), 1_999), refusedFor("MUTED"));
        assert.equal((await accepted(hot, buildRequest(id), 2_000)).seq, 1);
      }),
    );

    it(
      "spares owner and admins when all are muted",
      using(async (hot) => {
        const members = { 1: member({ role: "owner" }), 2: member({ role: "admin" }), 7: member() };
        const id = await load(hot, { allMuted: true, members });
        assert.deepEqual(await accept(hot, buildRequest(id)), refusedFor("MUTED"));
        for (const senderId of ["1", "2"]) await accepted(hot, buildRequest(id, { senderId }));
        const muted = (await hot.member(id, "7")) as HotMember;
        assert.ok(muted.mutedUntil !== null && muted.mutedUntil > Date.now());
        assert.deepEqual(await hot.member(id, "1"), members[1]);
        await hot.setMembers(id, {}, { allMuted: false }, await hot.generation(id));
        await accepted(hot, buildRequest(id));
        assert.deepEqual(await hot.member(id, "7"), members[7]);
      }),
    );

    it(
      "refuses for the reason that a member has",
      using(async (hot) => {
        const id = await load(hot, {
          members: { 7: member({ refusal: "BLOCKED_BY_YOU" }), 8: member({ refusal: "CANNOT_MESSAGE" }) },
        });
        assert.deepEqual(await accept(hot, buildRequest(id)), refusedFor("BLOCKED_BY_YOU"));
        assert.deepEqual(await accept(hot, buildRequest(id, { senderId: "8" })), refusedFor("CANNOT_MESSAGE"));
      }),
    );

    it(
      "lets system messages pass all that",
      using(async (hot) => {
        const id = await load(hot, { members: {}, allMuted: true, dissolved: true });
        assert.equal((await accepted(hot, buildRequest(id, { senderId: "0", bySystem: true }))).seq, 1);
      }),
    );

    it(
      "gives a repeated client message id the first answer, also to who may not send any more",
      using(async (hot) => {
        const id = await load(hot);
        const request = buildRequest(id);
        await accepted(hot, request);
        await hot.setMembers(id, { 7: null }, {}, await hot.generation(id));
        assert.equal((await accept(hot, request)).kind, "duplicate");
        assert.deepEqual(await accept(hot, buildRequest(id)), refusedFor("NOT_A_MEMBER"));
      }),
    );

    it(
      "replaces the members that are named and leaves the others",
      using(async (hot) => {
        const id = await load(hot);
        await hot.setMembers(id, { 8: null, 9: member({ role: "admin" }) }, {}, await hot.generation(id));
        assert.deepEqual(await hot.member(id, "7"), member());
        assert.equal(await hot.member(id, "8"), null);
        assert.deepEqual(await hot.member(id, "9"), member({ role: "admin" }));
      }),
    );

    it(
      "knows nothing of members of a conversation that is not loaded, nor takes some",
      using(async (hot) => {
        const id = `g_${newId()}`;
        assert.equal(await hot.setMembers(id, { 7: member() }, {}, await hot.generation(id)), true);
        assert.equal(await hot.member(id, "7"), "cold");
        assert.deepEqual(await accept(hot, buildRequest(id)), { kind: "cold" });
      }),
    );

    it(
      "takes the members of a large group in the place of all that were there before",
      using(async (hot) => {
        const id = await load(hot);
        const many = (from: number) => Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [String(from + i), member()]));
        await load(hot, { conversationId: id, members: many(1_000) });
        for (const senderId of ["1000", "1599", "2199"]) await accepted(hot, buildRequest(id, { senderId }));
        assert.equal(await hot.member(id, "7"), null);
        await load(hot, { conversationId: id, members: many(2_000) });
        assert.equal(await hot.member(id, "1999"), null);
        assert.deepEqual(await hot.member(id, "3199"), member());
        assert.deepEqual(await accept(hot, buildRequest(id, { senderId: "1999" })), refusedFor("NOT_A_MEMBER"));
        const before = await hot.generation(id);
        await hot.setMembers(id, { 2000: null }, {}, before);
        const stale = { conversationId: id, headSeq: 0, allMuted: false, dissolved: false, members: many(2_000) };
        assert.equal(await hot.load(stale, before), false);
        assert.equal(await hot.member(id, "2000"), null);
      }),
    );

    it(
      "takes no members that were read before someone changed them",
      using(async (hot) => {
        const changes: ((id: string) => Promise<unknown>)[] = [
          (id) => hot.invalidateMembers(id),
          async (id) => hot.setMembers(id, { 8: member() }, {}, await hot.generation(id)),
        ];
        for (const change of changes) {
          const cold = `g_${newId()}`;
          const before = await hot.generation(cold);
          await change(cold);
          const snapshot = { conversationId: cold, headSeq: 0, allMuted: false, dissolved: false, members: { 7: member() } };
          assert.equal(await hot.load(snapshot, before), false, "loading what changed meanwhile");
          assert.equal(await hot.member(cold, "7"), "cold");
          assert.equal(await hot.load(snapshot, await hot.generation(cold)), true);

          const warm = await load(hot);
          const read = await hot.generation(warm);
          await change(warm);
          assert.equal(
            await hot.setMembers(warm, { 7: null }, { dissolved: true }, read),
            false,
            "writing through what changed meanwhile",
          );
          assert.notEqual(await hot.member(warm, "7"), null);
        }
      }),
    );
  });
}
