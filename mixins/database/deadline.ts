/** A moment on the clock of `performance.now()`, in ms, by which a call has ended; `Infinity` is no bound. */
export type Deadline = number;

export const deadlineIn = (ms: number): Deadline => performance.now() + ms;

/** 0 once it has passed. */
export const msLeft = (deadline: Deadline): number => Math.max(0, deadline - performance.now());

/** Calls `late` at the deadline unless the result was called before. */
export function atDeadline(deadline: Deadline, late: () => void): () => void {
  if (deadline === Infinity) return () => undefined;
  const timer = setTimeout(late, msLeft(deadline));
  return () => clearTimeout(timer);
}
