import type { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { imError } from "./errors.ts";

/** Of 0 to 4; 2 stands against about 10^6 guesses. */
const MIN_SCORE = 2;
/** Characters that are looked at: the time grows with their square. A weak password of more is weak in these already. */
const MAX_CHECKED_CHARACTERS = 48;

let loading: Promise<ZxcvbnFactory> | undefined;

/** The word lists take 100 ms to load, so only the first password loads them. */
async function load(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: MAX_CHECKED_CHARACTERS });
}

/**
 * @param known what others can know of the user; a password made of it is weak
 * @throws WEAK_PASSWORD when the password is common or too easy to guess
 */
export async function checkStrength(password: string, known: readonly (string | null | undefined)[]): Promise<void> {
  loading ??= load();
  const zxcvbn = await loading;
  const inputs = known.filter((input) => typeof input === "string" && input !== "") as string[];
  if (zxcvbn.check(password, inputs).score < MIN_SCORE) throw imError("WEAK_PASSWORD");
}
