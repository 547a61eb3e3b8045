/**
 * How fast messages are accepted in one conversation. What a message costs is its way to each member, so in a large group they
 * are fewer: `deliveriesPerSecond` by the number of members, between the least and the most.
 */
export interface Pace {
  readonly mostPerSecond: number;
  readonly leastPerSecond: number;
  readonly deliveriesPerSecond: number;
  /** Messages of this time may come at once. */
  readonly burstMs: number;
}

export interface Paced {
  /** Until when the messages would last if each had come at its interval. */
  paidUntil: number;
}

/** Counts one message. @returns milliseconds until it may come; 0: it may now, and is counted */
export function keepPace(paced: Paced, pace: Pace, members: number, now: number): number {
  const { mostPerSecond, leastPerSecond, deliveriesPerSecond, burstMs } = pace;
  const interval = 1_000 / Math.max(leastPerSecond, Math.min(mostPerSecond, deliveriesPerSecond / Math.max(1, members)));
  const paidUntil = Math.max(paced.paidUntil, now) + interval;
  const early = paidUntil - now - Math.max(burstMs, interval);
  if (early > 0) return Math.ceil(early);
  paced.paidUntil = paidUntil;
  return 0;
}
