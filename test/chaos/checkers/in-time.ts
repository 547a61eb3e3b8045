import type { Checker, FinalState } from "../final-state.ts";
import { deviceOf, type History, type Operation } from "../history.ts";
import { healedAt, isAway, type Fault } from "../outages.ts";
import { answered, placeOf, sendsByKey } from "./sends.ts";

/** I18: an answer comes within this time, and nothing is pending for longer than the other. */
const ANSWER_MS = 5_000;
const PENDING_MS = 10_000;
/** I18: so much more than at first a process may need. */
const MAX_GROWTH_BYTES = 300_000_000;
/** I19: so much is persisted after two periods. */
const HEALED_SHARE = 0.99;
/** I20: an ended session is over everywhere after this time. */
const ENDED_MS = 5_000;

/** I17: nothing is acknowledged that was sent while no message could become durable. */
export const nothingIsOkUnlessDurable: Checker = (history) => {
  const firsts = [...sendsByKey(history).values()].map(([first]) => first!);
  return history.faults
    .filter(({ stopsSending }) => stopsSending)
    .flatMap((fault) =>
      answered(firsts)
        .filter(({ invoked, ended }) => invoked.order > fault.from.order && ended!.order < (fault.until?.order ?? Infinity))
        .map(({ clientMsgId }) => `${clientMsgId} was sent and acknowledged while ${fault.name}`),
    );
};

/** I18: calls end in time, nothing stays pending, memory is bounded. */
export const everythingIsBounded: Checker = (history) => [
  ...callsEnd(history),
  ...nothingStaysPending(history),
  ...memoryIsBounded(history),
];

/** A gateway that can say nothing at all keeps nobody's word. */
const isSilenced = ({ faults }: History, { gateway, invoked, ended }: Operation): boolean =>
  gateway !== undefined &&
  faults.some(
    ({ silences, from, repaired }) =>
      silences.includes(gateway) &&
      invoked.monotonicMs <= (repaired?.monotonicMs ?? Infinity) &&
      (ended?.monotonicMs ?? Infinity) >= from.monotonicMs,
  );

const durationOf = ({ invoked, ended }: Operation): number => ended!.monotonicMs - invoked.monotonicMs;

/** How long calls took that did not succeed, ascending. */
export const errorTimes = (history: History): number[] =>
  history.operations
    .filter((one) => one.ended !== null && one.outcome !== "ok" && !isSilenced(history, one))
    .map(durationOf)
    .sort((a, b) => a - b);

/** Of ascending numbers, the one that 99 % do not exceed; null when there are none. */
export const p99 = (ascending: readonly number[]): number | null => ascending[Math.ceil(ascending.length * 0.99) - 1] ?? null;

function callsEnd(history: History): string[] {
  const running = history.operations.filter(({ ended }) => ended === null);
  const times = {
    errors: errorTimes(history),
    answers: history.operations
      .filter(({ outcome }) => outcome === "ok")
      .filter((one) => !isSilenced(history, one))
      .map(durationOf)
      .sort((a, b) => a - b),
  };
  return [
    ...running.map(({ kind, connection }) => `${kind} of ${connection} never ended`),
    ...Object.entries(times).flatMap(([what, of]) => {
      const time = p99(of);
      return time !== null && time > ANSWER_MS ? [`1 % of ${of.length} ${what} took longer than ${Math.round(time)} ms`] : [];
    }),
  ];
}

function nothingStaysPending({ faults, samples }: History): string[] {
  const excused = faults.filter(({ stopsPersisting }) => stopsPersisting);
  return samples
    .filter(({ at }) => !excused.some((fault) => isAway(fault, at, PENDING_MS)))
    .flatMap(({ oldestAgeMs, pending }) =>
      oldestAgeMs !== null && oldestAgeMs > PENDING_MS
        ? [`the oldest of ${pending} pending messages was ${Math.round(oldestAgeMs)} ms old`]
        : [],
    );
}

function memoryIsBounded({ samples }: History): string[] {
  const first = new Map<string, number>();
  const found = new Set<string>();
  for (const { memoryBytes } of samples) {
    for (const [name, bytes] of Object.entries(memoryBytes)) {
      // It may have been started again, and need less.
      first.set(name, Math.min(bytes, first.get(name) ?? bytes));
      if (bytes > first.get(name)! + MAX_GROWTH_BYTES)
        found.add(`${name} grew by ${Math.round((bytes - first.get(name)!) / 1e6)} MB`);
    }
  }
  return [...found];
}

/** I19: what was accepted before a fault was over is persisted two compensator periods later, but for one in a hundred. */
export const healsByItself: Checker = (history, state) =>
  history.faults.flatMap((fault) => (isLast(history, fault) ? notPersistedInTime(history, state, fault) : []));

/** No other fault reaches into the time of its healing. */
const isLast = ({ faults }: History, fault: Fault): boolean =>
  fault.repaired !== null &&
  faults.every((other) => other === fault || (other.repaired !== null && other.repaired.order < fault.repaired!.order));

function notPersistedInTime({ poison, compensatorPeriodMs }: History, { messages }: FinalState, fault: Fault): string[] {
  const healedMs = healedAt(fault)!.wallMs;
  const accepted = messages.filter(
    ({ createdAt, clientMsgId, type }) => createdAt <= healedMs && !poison.has(clientMsgId) && type !== "void",
  );
  const late = accepted.filter(({ persistedAt }) => persistedAt > healedMs + 2 * compensatorPeriodMs);
  if (late.length <= accepted.length * (1 - HEALED_SHARE)) return [];
  return [
    `${late.length} of ${accepted.length} messages were persisted too late after ${fault.name}, the first ${placeOf(late[0]!)}`,
  ];
}

/** I20: on the devices whose sessions were ended nothing succeeds any more, and nothing is heard. */
export const endedSessionsAreOver: Checker = (history) =>
  history
    .of("endSession")
    .filter(({ outcome }) => outcome === "ok")
    .flatMap(({ devices, ended }) => {
      const isLate = (monotonicMs: number): boolean => monotonicMs > ended!.monotonicMs + ENDED_MS;
      const done = history.operations
        .filter((one) => one.outcome === "ok" && devices.includes(deviceOf(one)) && isLate(one.invoked.monotonicMs))
        .map(({ kind, connection }) => `${kind} of ${connection} succeeded, whose session had ended`);
      const heard = history.observations
        .filter((one) => one.event !== "session:ended" && devices.includes(deviceOf(one)) && isLate(one.at.monotonicMs))
        .map(({ event, connection }) => `${connection} heard ${event}, and its session had ended`);
      return [...done, ...heard];
    });
