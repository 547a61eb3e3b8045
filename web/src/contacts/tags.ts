import { MAX_TAGS } from "../../../contracts/limits.ts";

/** Unicode characters of one tag. */
export const MAX_TAG_LENGTH = 32;

export type TagRefusal = "empty" | "long" | "many" | "there";

/** The tags with a new one at their end, or why it cannot be added. */
export function addTag(tags: readonly string[], text: string): { readonly tags: string[] } | { readonly refusal: TagRefusal } {
  const tag = text.replace(/\s+/g, " ").trim();
  if (tag === "") return { refusal: "empty" };
  if ([...tag].length > MAX_TAG_LENGTH) return { refusal: "long" };
  if (tags.includes(tag)) return { refusal: "there" };
  if (tags.length >= MAX_TAGS) return { refusal: "many" };
  return { tags: [...tags, tag] };
}
