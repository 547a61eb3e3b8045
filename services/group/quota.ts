import { GROUP_INVITATIONS_PER_DAY, GROUPS_CREATED_PER_DAY, JOIN_REQUESTS_PER_DAY } from "../../config/limits.ts";
import { imError } from "../../lib/errors.ts";
import type { HotLimits } from "../../mixins/hot-store/port.ts";

/** What a user may do only so often in a day (S22). */
const limitOf = {
  groupsCreated: GROUPS_CREATED_PER_DAY,
  invitations: GROUP_INVITATIONS_PER_DAY,
  joinRequests: JOIN_REQUESTS_PER_DAY,
} as const;
export type QuotaName = keyof typeof limitOf;

const DAY_MS = 86_400_000;

export interface Quota {
  /** Counts `points` of the user's day. @throws QUOTA_EXCEEDED with `retryAfterMs` when that is more than is left */
  spend(name: QuotaName, userId: string, points: number): Promise<void>;
}

export function dailyQuota(limits: Pick<HotLimits, "consume">): Quota {
  return {
    async spend(name, userId, points) {
      if (points === 0) return;
      // What no day can grant is not counted, so that the day is not lost by it.
      const waitMs =
        points > limitOf[name] ? DAY_MS : await limits.consume(`group:${name}:${userId}`, limitOf[name], DAY_MS, points);
      if (waitMs > 0) throw imError("QUOTA_EXCEEDED", { retryAfterMs: waitMs });
    },
  };
}

/** Counts nothing. */
export const noQuota: Quota = { spend: () => Promise.resolve() };
