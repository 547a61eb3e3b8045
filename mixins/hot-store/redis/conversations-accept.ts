import { KNOWN_CLIENT_MSG_IDS } from "../../../config/limits.ts";
import { conversationKeys, pendingKey } from "../../../config/redis-keys.ts";
import type { Pace } from "../pace.ts";
import type { AcceptOutcome, AcceptRequest } from "../port.ts";
import { luaScript, type RedisArgument, type RedisClient, type ScriptCall } from "./client.ts";
import { acceptArguments, acceptKeys, bornOf, encodePace, outcomeOf, type AcceptReply } from "./conversations-codec.ts";
import type { SeqCounters } from "./conversations-counters.ts";
import type { KnownKeys } from "./conversations-known.ts";
import type { ServerRuns } from "./conversations-run.ts";

const ACCEPT = luaScript("conversation-accept");

/** The client message ids of a sender are kept for so long after the last one, at most twice as long. */
const KNOWN_FOR_MS = 3_600_000;
/** Who asked SQL for an id before its message was committed has come to accept long before. */
const YOUNG_MS = 10_000;
/** Blocks of seqs that one call may use up. */
const MAX_ROUNDS = 10;
const NO_SEQ_LEFT = "e";

export interface AcceptDeps {
  readonly client: RedisClient;
  readonly runs: ServerRuns;
  readonly counters: SeqCounters;
  readonly known: KnownKeys;
}

/**
 * One round trip for all requests: a script for each conversation, in one pipeline. Another one only where a conversation has no
 * seq left; seqs are reserved ahead of time, so that is rare.
 */
export async function accept(
  deps: AcceptDeps,
  requests: readonly AcceptRequest[],
  now: number,
  pace: Pace | null,
): Promise<AcceptOutcome[]> {
  const outcomes = requests.map((): AcceptOutcome => ({ kind: "cold" }));
  let open: readonly number[] = [...requests.keys()];
  for (let round = 0; open.length > 0 && round < MAX_ROUNDS; round++) {
    const left = await ask(deps, { requests, now, pace, outcomes }, open);
    if (left.length === 0) break;
    const extended = await deps.counters.extendNow(new Set(left.map((i) => requests[i]!.conversationId)));
    open = left.filter((i) => extended.has(requests[i]!.conversationId));
  }
  return outcomes;
}

interface Asked {
  readonly requests: readonly AcceptRequest[];
  readonly now: number;
  readonly pace: Pace | null;
  /** One for each request. */
  readonly outcomes: AcceptOutcome[];
}

/** @returns those for which no seq was left; they are cold unless they are asked for again */
async function ask({ client, runs, counters, known }: AcceptDeps, asked: Asked, open: readonly number[]): Promise<number[]> {
  const { requests, now, outcomes } = asked;
  const byConversation = [...Map.groupBy(open, (i) => requests[i]!.conversationId)];
  const run = await runs.current();
  const calls = byConversation.map(([id, of]) => callOf(run, id, asked, of));
  const replies = (await client.runAll(calls)) as [isShort: number, ...AcceptReply[]][];
  const left: number[] = [];
  byConversation.forEach(([id, of], group) => {
    const [isShort, ...answers] = replies[group]!;
    if (isShort === 1) counters.extendSoon(id);
    answers.forEach((answer, at) => {
      const i = of[at]!;
      if (answer === NO_SEQ_LEFT) left.push(i);
      else outcomes[i] = outcomeOf(answer, requests[i]!, now);
      const born = bornOf(answer);
      if (born !== null) known.complete(id, requests[i]!.senderId, born);
    });
  });
  return left;
}

function callOf(run: string, conversationId: string, { requests, now, pace }: Asked, of: readonly number[]): ScriptCall {
  const keys = conversationKeys(conversationId);
  const names = [keys.counter, keys.members, pendingKey(keys.tag), keys.waiting, keys.ahead];
  const args: RedisArgument[] = [run, now, conversationId, KNOWN_CLIENT_MSG_IDS, KNOWN_FOR_MS, now - YOUNG_MS, encodePace(pace)];
  for (const i of of) {
    names.push(...acceptKeys(keys, requests[i]!));
    args.push(...acceptArguments(requests[i]!));
  }
  return { script: ACCEPT, keys: names, args };
}
