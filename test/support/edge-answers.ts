import type { Answer } from "./edge.ts";

/** Fields that an answer names as bad. */
export const fieldsOf = (answer: Answer): string[] =>
  ((answer.data?.["fields"] as { field: string }[] | undefined) ?? []).map(({ field }) => field);
/** What the action was called with. */
export const paramsOf = (answer: Answer): unknown => answer.data?.["params"];
/** Status and code. */
export const codeOf = ({ status, code }: Answer): [number, number] => [status, code];
