import { imError } from "./errors.ts";

/** 2025-01-01T00:00:00Z. */
export const ID_EPOCH_MS = 1_735_689_600_000;
export const MAX_WORKER_ID = 1_023;
/** How far ids may run ahead of the wall clock: after a step back of the clock, or when more than 4,096 are taken in 1 ms. */
export const MAX_BORROWED_MS = 5_000;

const SEQUENCES = 4_096;
/** Decimal digits that vary inside one millisecond; the ones before them are made once. */
const LOW_DIGITS = 10_000_000;

export interface IdGeneratorOptions {
  /** 0-1023; no two generators that run at the same time may have the same. */
  readonly workerId: number;
  /** No id is made for this millisecond or an earlier one. Default: none was made before. */
  readonly floorMs?: number;
  /** No id is made beyond this millisecond until `reserve` moves it on. Default: no end. */
  readonly ceilingMs?: number;
  readonly now?: () => number;
}

export interface IdGenerator {
  /**
   * A 63-bit id in decimal: 41 bits of milliseconds since `ID_EPOCH_MS`, 10 of the worker, 12 of sequence. Greater than every
   * id this generator made before.
   * @throws UNAVAILABLE when the clock went back by more than `MAX_BORROWED_MS` or the reserved time is used up
   */
  next(): string;
  /** Moves the end of the reserved time. */
  reserve(ceilingMs: number): void;
  /** The millisecond of the newest id. */
  lastMs(): number;
}

export function createIdGenerator({
  workerId,
  floorMs = 0,
  ceilingMs = Infinity,
  now = Date.now,
}: IdGeneratorOptions): IdGenerator {
  if (!Number.isInteger(workerId) || workerId < 0 || workerId > MAX_WORKER_ID)
    throw new RangeError(`worker id ${workerId} is not in 0-${MAX_WORKER_ID}`);
  let ceiling = ceilingMs;
  let last = Math.max(floorMs, ID_EPOCH_MS);
  let sequence = SEQUENCES - 1;
  let high = "";
  let low = 0;

  const enter = (ms: number): void => {
    const base = (BigInt(ms - ID_EPOCH_MS) << 22n) | (BigInt(workerId) << 12n);
    high = String(base / BigInt(LOW_DIGITS));
    low = Number(base % BigInt(LOW_DIGITS));
    last = ms;
    sequence = 0;
  };

  /** The digits below `high`, which moves on when they overflow. */
  const format = (): string => {
    const digits = low + sequence;
    if (digits < LOW_DIGITS) return high + String(LOW_DIGITS + digits).slice(1);
    high = String(BigInt(high) + 1n);
    low -= LOW_DIGITS;
    return format();
  };

  return {
    next() {
      const wall = now();
      // A clock that jumped ahead waits for the next reservation instead of failing: the time up to the ceiling is ours.
      const at = wall < ceiling ? wall : ceiling;
      if (at > last) enter(at);
      else {
        const wanted = sequence + 1 < SEQUENCES ? last : last + 1;
        if (wanted - wall > MAX_BORROWED_MS || wanted > ceiling) throw imError("UNAVAILABLE");
        if (wanted === last) sequence += 1;
        else enter(wanted);
      }
      return format();
    },
    reserve(ms) {
      ceiling = ms;
    },
    lastMs: () => last,
  };
}
