import { tokenKeys } from "../../lib/token-keys.ts";
import { signAccessToken, verifyAccessToken } from "../../lib/tokens.ts";
import type { Im } from "./im.ts";

/** Tokens end with whole seconds, so that this one is good for two at least. */
const GOOD_FOR_MS = 3_000;

/** Another access token of the same session, which ends within three seconds from now. */
export function expiringToken({ node }: Im, token: string): string {
  const keys = tokenKeys(node.config.jwtSecret, node.config.jwtPreviousSecret);
  const now = Date.now();
  return signAccessToken(keys, { ...verifyAccessToken(keys, token, now), expiresAt: now + GOOD_FOR_MS }, now);
}
