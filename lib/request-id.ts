import { randomUUID } from "node:crypto";

const accepted = /^[A-Za-z0-9_.:-]{1,64}$/;

/** The request id a client gave, if it is one, else a new one. */
export function requestIdOf(given: unknown): string {
  return typeof given === "string" && accepted.test(given) ? given : randomUUID();
}
