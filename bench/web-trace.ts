/** An event of Chromium's trace; times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  /** Of `dur` what the thread had a processor for. */
  readonly tdur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** What a page does for a frame: its own code, and what the browser works out from it. Painting is done elsewhere. */
const WORK = new Set([
  "EvaluateScript",
  "EventDispatch",
  "FireAnimationFrame",
  "FunctionCall",
  "Layout",
  "MajorGC",
  "MinorGC",
  "PrePaint",
  "RunMicrotasks",
  "TimerFire",
  "UpdateLayoutTree",
  "V8.GC_MC_BACKGROUND_MARKING",
]);
const FRAME = "BeginMainThreadFrame";

/** The work for one frame, in ms. */
export interface Frame {
  /** From beginning to end. */
  readonly elapsed: number;
  /** Of that the time for which the page's thread had a processor: what other programs took is not in it. */
  readonly processor: number;
}

/**
 * The work on the page's thread in each frame: what lies between its beginning and that of the next one. What is done inside of
 * something else counts once. Frames without any work are left out: nothing was scrolled in them.
 */
export function framesOf(events: readonly TraceEvent[]): Frame[] {
  const begins = events.filter(({ name }) => name === FRAME);
  const thread = busiest(begins);
  const isHere = ({ pid, tid }: TraceEvent): boolean => thread !== undefined && pid === thread.pid && tid === thread.tid;
  const starts = begins.filter(isHere).map(({ ts }) => ts);
  starts.sort((a, b) => a - b);
  const work = events.filter((event) => event.ph === "X" && WORK.has(event.name) && isHere(event));
  work.sort((a, b) => a.ts - b.ts);
  const frames = starts.map(() => ({ elapsed: 0, processor: 0 }));
  let [index, until] = [-1, 0];
  for (const { ts, dur = 0, tdur = dur } of work) {
    while (index + 1 < starts.length && (starts[index + 1] ?? 0) <= ts) index += 1;
    const frame = frames[index];
    if (!frame || ts < until) continue;
    until = ts + dur;
    frame.elapsed += dur / 1_000;
    frame.processor += tdur / 1_000;
  }
  return frames.filter(({ elapsed }) => elapsed > 0);
}

/** Of several pages the one that draws most. */
function busiest(begins: readonly TraceEvent[]): TraceEvent | undefined {
  const threads = Map.groupBy(begins, ({ pid, tid }) => `${pid}/${tid}`);
  return [...threads.values()].sort((a, b) => b.length - a.length)[0]?.[0];
}
