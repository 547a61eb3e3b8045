import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import type {
  AcceptOutcome,
  AcceptRequest,
  ConversationSnapshot,
  HotConversations,
  HotMember,
} from "../../mixins/hot-store/port.ts";
import { buildRecord, newId } from "../support/records.ts";

export interface ConversationsHarness {
  readonly conversations: HotConversations;
  close(): Promise<void>;
}

export const member = (more: Partial<HotMember> = {}): HotMember => ({
  role: "member",
  mutedUntil: null,
  refusal: null,
  ...more,
});

/** A request to accept a message of user 7, whom SQL does not know. */
export function buildRequest(conversationId: string, more: Partial<AcceptRequest> = {}): AcceptRequest {
  const { seq: _seq, createdAt: _createdAt, ...fields } = buildRecord({ conversationId });
  return { ...fields, bySystem: false, inSql: "absent", ...more };
}

/** Loads a conversation with the members 7 and 8, and gives its id. */
export async function load(conversations: HotConversations, more: Partial<ConversationSnapshot> = {}): Promise<string> {
  const conversationId = more.conversationId ?? `g_${newId()}`;
  const snapshot = {
    conversationId,
    headSeq: 0,
    allMuted: false,
    dissolved: false,
    members: { 7: member(), 8: member() },
    ...more,
  };
  assert.equal(await conversations.load(snapshot, await conversations.generation(conversationId)), true);
  return conversationId;
}

export async function accept(conversations: HotConversations, request: AcceptRequest, now = 1_000): Promise<AcceptOutcome> {
  const [outcome] = await conversations.accept([request], now);
  return outcome!;
}

export async function accepted(conversations: HotConversations, request: AcceptRequest, now = 1_000): Promise<MessageRecord> {
  const outcome = await accept(conversations, request, now);
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  return (outcome as AcceptOutcome & { kind: "accepted" }).record;
}

const seqOf = (outcome: AcceptOutcome): number | string => (outcome.kind === "accepted" ? outcome.record.seq : outcome.kind);

/** Every promise of `HotConversations`, for one implementation. */
export function hotConversationsContract(name: string, open: () => Promise<ConversationsHarness>): void {
  const using = (work: (conversations: HotConversations) => Promise<void>) => async () => {
    const harness = await open();
    await work(harness.conversations).finally(() => harness.close());
  };

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
