import type { Message } from "../../contracts/entities.ts";
import type { LiveSeveral, Tails } from "./live-several.ts";
import type { Bounds, MessageRow } from "./rows.ts";
import type { RangeQuery } from "./several-repository.ts";
import { answeredSeqs, assemble, burningAmong, rootsAmong } from "./view.ts";

/** Messages of one conversation, ascending by seq, and what their viewer can see of it. */
export interface Rows {
  readonly conversationId: string;
  readonly rows: readonly MessageRow[];
  readonly bounds: Bounds;
}

/** Seqs between which nothing is shown, and which are read all the same to save a statement. */
const GAP = 50;

/**
 * Messages of several conversations as `viewer` sees them.
 * @param tails of all that have rows, where they are known already
 */
export async function viewSeveral(
  several: LiveSeveral,
  pages: readonly Rows[],
  viewer: string,
  tails?: Tails,
): Promise<Message[][]> {
  const answered = pages.flatMap(({ conversationId, rows, bounds }) =>
    answeredSeqs(rows, bounds.minSeq).map((seq) => ({ conversationId, seq })),
  );
  const ranges = pages.flatMap(rangesOf);
  const places = pages.flatMap(({ conversationId, rows }) => rows.map(({ seq }) => [conversationId, Number(seq)] as const));
  const roots = pages.map(({ conversationId, rows, bounds: { maxSeq } }) => ({
    conversationId,
    threadIds: rootsAmong(rows),
    maxSeq,
  }));
  const [originals, reactions, pins, burnTimes, threads] = await Promise.all([
    several.at(answered),
    several.reactions(ranges),
    several.live.pins.at(places),
    several.live.burns.at(pages.flatMap(({ rows }) => burningAmong(rows))),
    several.live.threads.summaries(viewer, roots, tails),
  ]);
  const originalsOf = Map.groupBy(originals, (row) => row.conversation_id);
  const reactionsOf = Map.groupBy(
    ranges.flatMap(({ conversationId }, i) => reactions[i]!.map((reaction) => ({ conversationId, reaction }))),
    ({ conversationId }) => conversationId,
  );
  return pages.map(({ conversationId, rows, bounds: { minSeq } }) =>
    assemble(rows, {
      originals: originalsOf.get(conversationId) ?? [],
      reactions: (reactionsOf.get(conversationId) ?? []).map(({ reaction }) => reaction),
      pins,
      burnTimes,
      threads,
      viewer,
      minSeq,
    }),
  );
}

/** Few ranges that hold these messages. */
function rangesOf({ conversationId, rows }: Rows): RangeQuery[] {
  const ranges: (RangeQuery & { maxSeq: number })[] = [];
  for (const row of rows) {
    const seq = Number(row.seq);
    const last = ranges.at(-1);
    if (last && seq - last.maxSeq <= GAP) last.maxSeq = seq;
    else ranges.push({ conversationId, minSeq: seq, maxSeq: seq });
  }
  return ranges;
}
