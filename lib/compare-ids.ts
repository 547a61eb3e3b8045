/** Sorts decimal ids as numbers: without leading zeros the shorter one is the lower. */
export const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : Number(a > b));
