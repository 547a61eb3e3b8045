/**
 * Loaded before a node: each SIGUSR2 steps the clock of this process, and of no other, to the next of the offsets in
 * `CHAOS_CLOCK_STEPS` (milliseconds, separated by commas).
 */
const steps = (process.env["CHAOS_CLOCK_STEPS"] ?? "").split(",").map(Number);
const RealDate = Date;
let offsetMs = 0;

class SteppedDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(SteppedDate.now());
    else super(given[0]);
  }

  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

globalThis.Date = SteppedDate as DateConstructor;
process.on("SIGUSR2", () => (offsetMs = steps.shift() ?? offsetMs));
