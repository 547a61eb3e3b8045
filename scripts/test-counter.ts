/** The part of a `test:pass` or `test:fail` event of `node:test` that counts. */
export interface TestResult {
  readonly name: string;
  readonly nesting: number;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details: { readonly type?: "suite" | "test"; readonly error?: Error };
}

/** What is told of a run. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** How many were skipped for each reason that was given. */
  readonly reasons: ReadonlyMap<string, number>;
}

/**
 * Counts the leaf tests of one file from its results, which come innermost first. A suite or a parent counts only when it
 * failed by itself (a hook, its own body), and the file only when it failed outside its tests.
 */
export class TestCounter implements Totals {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly reasons = new Map<string, number>();
  /** For each nesting level, whether a result came since the last one of the level above. */
  readonly #hasResults: boolean[] = [];
  readonly #file: string;

  /** @param file as `node:test` names the result of the file itself */
  constructor(file: string) {
    this.#file = file;
  }

  add(isPass: boolean, result: TestResult): void {
    const { nesting, details } = result;
    const isParent = this.#hasResults[nesting + 1] === true;
    this.#hasResults[nesting + 1] = false;
    this.#hasResults[nesting] = true;
    if (Boolean(result.skip) || Boolean(result.todo)) this.#skip(result, isParent);
    else if (!isPass) this.failed += isOnlyOfItsChildren(details.error) ? 0 : 1;
    else if (!isParent && details.type !== "suite" && result.name !== this.#file) this.passed += 1;
  }

  #skip({ skip, todo }: TestResult, isParent: boolean): void {
    if (isParent) return;
    this.skipped += 1;
    const given = skip || todo;
    const reason = typeof given === "string" ? given : "no reason given";
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }
}

function isOnlyOfItsChildren(error: Error | undefined): boolean {
  return error !== undefined && "failureType" in error && error.failureType === "subtestsFailed";
}

/** Of all of them together. */
export function sumOf(all: readonly Totals[]): Totals {
  const reasons = new Map<string, number>();
  for (const [reason, count] of all.flatMap((one) => [...one.reasons])) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  const sum = (key: "passed" | "failed" | "skipped"): number => all.reduce((total, one) => total + one[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped"), reasons };
}

/** The last line of a run. */
export function summaryLine({ passed, failed, skipped }: Pick<Totals, "passed" | "failed" | "skipped">): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
