import { expect } from "vitest";
import type { ImClient, ImError, SignOutReason } from "../../src/index.ts";

/** The codes that a call is refused with. */
export const codeOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => expect.fail("nothing was refused"),
    (error: unknown) => (error as ImError).code,
  );

/** Why a client was signed out, once it was. */
export function signedOut(client: ImClient): { reason: SignOutReason | null } {
  const seen = { reason: null as SignOutReason | null };
  client.on("session", ({ me, reason }) => {
    if (!me) seen.reason = reason;
  });
  return seen;
}
