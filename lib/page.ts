import { DEFAULT_PAGE } from "../contracts/limits.ts";
import { invalidField } from "./validation.ts";

/** Above every id: where a list that is read downwards begins. */
export const MAX_ID = "9223372036854775807";

const id = /^[1-9]\d{0,18}$/;
const NO_CURSOR = "must be the nextCursor of the page before";

/**
 * The id of the last item of the page before, from a cursor that is such an id; null on the first page.
 * @throws VALIDATION for a cursor that no page ever gave
 */
export function idCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  if (!id.test(cursor)) throw invalidField("cursor", NO_CURSOR);
  return cursor;
}

/** Cuts `rows`, of which one more than `limit` was asked for, to a page; its cursor is what `cursorOf` says of the last row. */
export function toPage<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => string,
): { rows: T[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** A page of a short list that is read as a whole; its cursor counts the items before. @throws VALIDATION */
export function cutPage<T>(
  items: readonly T[],
  { limit = DEFAULT_PAGE, cursor = "0" }: { limit?: number; cursor?: string },
): { items: T[]; nextCursor: string | null } {
  if (!/^\d{1,9}$/.test(cursor)) throw invalidField("cursor", NO_CURSOR);
  const end = Number(cursor) + limit;
  return { items: items.slice(Number(cursor), end), nextCursor: items.length > end ? String(end) : null };
}

/** Splits a list into lists of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
