import { MAX_DRAFT_LENGTH } from "../../../contracts/limits.ts";

/** What a draft may not hold, which no keyboard writes. */
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\p{Surrogate}/gu;

/** A draft as it may be kept: at most so many characters. */
export const draftOf = (text: string): string => [...text.replace(NO_TEXT, "")].slice(0, MAX_DRAFT_LENGTH).join("");
