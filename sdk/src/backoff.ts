const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * How long to wait before a try: twice as long each time, up to half a minute, and a random part of it, so that the clients of a
 * server that comes back do not come all at once. Never less than what the server asked for.
 * @param tries that have failed, from 1
 */
export function backoffMs(tries: number, askedMs = 0, random: () => number = Math.random): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10));
  return Math.round(askedMs + longest * (0.25 + 0.75 * random()));
}
