import type { HotLeases } from "../../mixins/hot-store/port.ts";
import type { Job } from "./runner.ts";

export interface UpkeepDeps {
  readonly leases: Pick<HotLeases, "acquire">;
  /** Unique among the nodes and their starts. */
  readonly holder: string;
  readonly now: () => number;
}

/**
 * Goes through something again and again, a portion at once, with a pause of `everyMs` behind each round. One node of all does
 * it: it keeps a lease over its pauses, and another one takes over when it is gone for two of them.
 * @param portion says whether there is more
 */
export function atIntervals(
  { leases, holder, now }: UpkeepDeps,
  { name, everyMs }: { readonly name: string; readonly everyMs: number },
  portion: () => Promise<boolean>,
): Job {
  let nextAt = 0;
  return {
    hasDue: async () => now() >= nextAt,
    async run() {
      const isMine = (await leases.acquire(`scheduler-${name}`, holder, 2 * everyMs)) !== null;
      const isMore = isMine && (await portion());
      if (!isMore) nextAt = now() + everyMs;
      return { done: 0, isMore };
    },
  };
}
