import fc from "fast-check";

/** Of a run that was not told another: what passes today and fails tomorrow has changed. */
const SEED = 20_261_122;

/** Whether other values are tried on purpose: what happens at once may then be more than what a checker can judge without doubt. */
export const isExploring = process.env["PROPERTY_SEED"] !== undefined;

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
  const isRandom = process.env["PROPERTY_SEED"] === "random";
  const numRuns = integerOf("PROPERTY_RUNS", runs);
  await fc.assert(property, { numRuns, ...(!isRandom && { seed: integerOf("PROPERTY_SEED", SEED) }) });
}

function integerOf(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isInteger(value)) throw new Error(`${name} is ${process.env[name]}; give it an integer`);
  return value;
}
