import { Type, type Static } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Device, OwnUser } from "../entities.ts";
import { Closed, Cursor, DeviceId, DeviceType, Id, Limit, Line, Nothing, Nullable, Page, Time } from "../primitives.ts";
import { Account } from "./user.ts";

const Tokens = {
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.Integer({ description: "Seconds until the access token expires" }),
};
const EndReason = Type.Enum([
  "logout",
  "replaced",
  "removed",
  "password_changed",
  "disabled",
  "deleted",
  "token_reused",
  "kicked",
] as const);
export const Verified = Closed({
  userId: Id,
  sessionId: Id,
  deviceId: DeviceId,
  deviceType: DeviceType,
  expiresAt: Type.Integer({ description: "Epoch ms" }),
});
export type Verified = Static<typeof Verified>;
export type DeviceType = Verified["deviceType"];

export const authContract = {
  login: {
    summary: "Sign in with user name, phone number or e-mail address, and password",
    params: Closed({
      ...Account,
      password: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
      code: Type.Optional(Type.String({ maxLength: 16, description: "One-time codes are not available yet: a code is refused" })),
      deviceId: Type.Optional(DeviceId),
      deviceType: Type.Optional(DeviceType),
      deviceName: Type.Optional(Line(0, 64)),
    }),
    result: Closed({ ...Tokens, user: OwnUser }),
    errors: ["WRONG_CREDENTIALS", "RATE_LIMITED"],
  },
  refresh: {
    summary: "A new access token; the refresh token is replaced",
    params: Closed({ refreshToken: Type.String({ minLength: 1, maxLength: 256 }) }),
    result: Closed(Tokens),
    errors: ["SESSION_ENDED"],
  },
  logout: {
    summary: "End this session, or all of mine",
    params: Closed({ all: Type.Optional(Type.Boolean()) }),
    result: Nothing,
  },
  devices: {
    summary: "My signed-in devices, last used first",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(Device),
    idempotent: true,
  },
  endDevice: {
    summary: "Sign one of my devices out",
    params: Closed({ deviceId: DeviceId }),
    result: Nothing,
    errors: ["DEVICE_NOT_FOUND"],
  },
  /** Internal. Checks signature, kind, issuer, audience, expiry and session. */
  verify: {
    summary: "Who an access token stands for",
    params: Closed({ token: Type.String() }),
    result: Verified,
    errors: ["TOKEN_EXPIRED", "SESSION_ENDED", "UNAUTHENTICATED"],
    idempotent: true,
  },
  /** Internal. Those of the given sessions that have ended, with SQL as the truth. */
  endedAmong: {
    summary: "Which of these sessions have ended",
    params: Closed({ sessionIds: Type.Array(Id, { maxItems: 20_000 }) }),
    result: Type.Array(Id),
    idempotent: true,
  },
  /** Internal. For who has heard of their end, and not of the reason; sessions that have not ended are missing. */
  endReasons: {
    summary: "Why these sessions have ended",
    params: Closed({ sessionIds: Type.Array(Id, { maxItems: 20_000 }) }),
    result: Type.Record(Id, EndReason),
    idempotent: true,
  },
  /** Internal. */
  endSessions: {
    summary: "End sessions of a user",
    params: Closed({
      userId: Id,
      reason: EndReason,
      deviceId: Type.Optional(DeviceId),
      exceptSessionId: Type.Optional(Nullable(Id)),
    }),
    result: Closed({ ended: Type.Array(Id) }),
    idempotent: true,
  },
  /** Internal. Stored a few seconds later, the latest time of each session; nothing is said of sessions that do not exist. */
  seen: {
    summary: "When these sessions were last in use",
    params: Closed({ items: Type.Array(Closed({ sessionId: Id, at: Time }), { maxItems: 20_000 }) }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal, without regard to privacy. Ended sessions count too; who never signed in is missing. */
  lastSeenOf: {
    summary: "When these users were last seen, as far as it is stored",
    params: Closed({ userIds: Type.Array(Id, { maxItems: 5_000 }) }),
    result: Type.Record(Id, Time),
    idempotent: true,
  },
} satisfies ServiceContract;
