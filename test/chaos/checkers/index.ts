import assert from "node:assert/strict";
import type { History } from "../history.ts";
import type { Checker, FinalState, Violation } from "../final-state.ts";
import { cursorsAndUnreadAgree, lastMessageIsTheLast } from "./conversations.ts";
import { endedSessionsAreOver, everythingIsBounded, healsByItself, nothingIsOkUnlessDurable } from "./in-time.ts";
import { acknowledgedIsNotLost, nothingIsPhantom } from "./kept.ts";
import { idsAreUnique, oneMessageForAKey, seqIsUnique } from "./once.ts";
import { orderIsKept, seqHasNoHole } from "./order.ts";
import { outsidersGetNothing } from "./outsiders.ts";
import { receiptsFollowMessages, statusMovesForward } from "./progress.ts";
import { nothingIsLeft } from "./quiescence.ts";
import { changesStay } from "./redelivery.ts";
import { stableIsStable } from "./stable.ts";
import { allSeeTheSame, pagingIsExact } from "./views.ts";

/** A checker for each invariant, which reads what clients did and saw, what was broken meanwhile, and the state it ended in. */
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
  I13: nothingIsLeft,
  I14: outsidersGetNothing,
  I15: changesStay,
  I16: idsAreUnique,
  I17: nothingIsOkUnlessDurable,
  I18: everythingIsBounded,
  I19: healsByItself,
  I20: endedSessionsAreOver,
  I21: stableIsStable,
} as const satisfies Record<string, Checker>;
export type Invariant = keyof typeof checkers;

/** Everything that contradicts an invariant; nothing may be on its way any more when the state is read. */
export function violationsOf(history: History, state: FinalState): (Violation & { readonly invariant: Invariant })[] {
  return (Object.entries(checkers) as [Invariant, Checker][]).flatMap(([invariant, check]) =>
    check(history, state).map((detail) => ({ invariant, detail })),
  );
}

export function assertHolds(history: History, state: FinalState): void {
  const found = violationsOf(history, state);
  const lines = found.slice(0, 20).map(({ invariant, detail }) => `${invariant}: ${detail}`);
  assert.equal(found.length, 0, `${found.length} violations\n${lines.join("\n")}`);
}
