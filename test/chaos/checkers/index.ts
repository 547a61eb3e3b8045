import assert from "node:assert/strict";
import type { History } from "../history.ts";
import { cursorsAndUnreadAgree, lastMessageIsTheLast } from "./conversations.ts";
import {
  acknowledgedIsNotLost,
  idsAreUnique,
  nothingIsPhantom,
  oneMessageForAKey,
  orderIsKept,
  seqHasNoHole,
  seqIsUnique,
} from "./messages.ts";
import type { Checker, FinalState, Violation } from "../final-state.ts";
import { allSeeTheSame, pagingIsExact, receiptsFollowMessages, removedHearNothing, statusMovesForward } from "./views.ts";

/** A checker for each invariant that can be read off what clients did and saw, and the state it ended in. */
export const checkers = {
  I1: acknowledgedIsNotLost,
  I2: nothingIsPhantom,
  I3: oneMessageForAKey,
  I4: seqIsUnique,
  I5: seqHasNoHole,
  I6: orderIsKept,
  I7: allSeeTheSame,
  I8: pagingIsExact,
  I9: statusMovesForward,
  I10: cursorsAndUnreadAgree,
  I11: lastMessageIsTheLast,
  I12: receiptsFollowMessages,
  I14: removedHearNothing,
  I16: idsAreUnique,
} as const satisfies Record<string, Checker>;
export type Invariant = keyof typeof checkers;

/** Everything that contradicts an invariant; nothing may be on its way any more when the state is read. */
export function violationsOf(history: History, state: FinalState): Violation[] {
  return Object.entries(checkers).flatMap(([invariant, check]) => check(history, state).map((detail) => ({ invariant, detail })));
}

export function assertHolds(history: History, state: FinalState): void {
  const found = violationsOf(history, state);
  const lines = found.slice(0, 20).map(({ invariant, detail }) => `${invariant}: ${detail}`);
  assert.equal(found.length, 0, `${found.length} violations\n${lines.join("\n")}`);
}
