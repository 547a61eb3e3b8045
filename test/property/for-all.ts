import fc from "fast-check";

/** Of a run that was not told another: what passes today and fails tomorrow has changed. */
const SEED = 20_261_122;

export interface ForAll {
  /** Values to try, unless `PROPERTY_RUNS` says another number. */
  readonly runs: number;
  /** What begins later passes without a try, so that the search for a shorter failure ends. */
  readonly timeLimitMs?: number;
}

/**
 * Tries a property with many values, the same in each run. `PROPERTY_SEED=42` or `PROPERTY_SEED=random` tries others, `PROPERTY_RUNS=500`
 * more of them, as in `PROPERTY_SEED=random PROPERTY_RUNS=500 node --test test/property/clients.test.ts`.
 * @throws with the seed and the shortest value that was found to fail
 */
export async function forAll<T>(
  of: fc.Arbitrary<T>,
  { runs, timeLimitMs = Infinity }: ForAll,
  holds: (given: T) => Promise<void>,
): Promise<void> {
  const end = performance.now() + timeLimitMs;
  const property = fc.asyncProperty(of, (given) => (performance.now() < end ? holds(given) : Promise.resolve()));
  const { PROPERTY_SEED = String(SEED), PROPERTY_RUNS = String(runs) } = process.env;
  const isRandom = PROPERTY_SEED === "random";
  await fc.assert(property, { numRuns: Number(PROPERTY_RUNS), ...(!isRandom && { seed: Number(PROPERTY_SEED) }) });
}
