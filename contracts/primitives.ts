import { Type, type TProperties, type TSchema } from "typebox";
import * as limits from "./limits.ts";

/** An object that refuses unknown fields. */
export const Closed = <P extends TProperties>(properties: P, options: { description?: string; $id?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const OneOf = <const V extends readonly string[]>(...values: V) => Type.Enum<[...V]>([...values]);

/** A 64-bit id in decimal. */
export const Id = Type.String({ pattern: "^[1-9][0-9]{0,18}$", description: "64-bit id, decimal" });
export const ConversationId = Type.String({
  pattern: "^(d_[1-9][0-9]{0,18}_[1-9][0-9]{0,18}|g_[1-9][0-9]{0,18}|s_[1-9][0-9]{0,18})$",
  description: "d_<lowerUserId>_<higherUserId>, g_<groupId> or s_<id>",
});
export const ClientMsgId = Type.String({
  pattern: `^[A-Za-z0-9_.:-]{1,${limits.MAX_CLIENT_MSG_ID_LENGTH}}$`,
  description: "The sender's idempotency key, unique for each message in a conversation; UUIDv7 is best",
});
export const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const PositiveSeq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
/** Epoch milliseconds, up to the year 9999. */
export const Time = Type.Integer({ minimum: 0, maximum: 253_402_300_799_999, description: "Epoch milliseconds" });
export const Version = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^[A-Za-z0-9_.:-]+$",
  description: "Opaque; hand it back unchanged",
});
/** Also a text that no server made is taken: it is answered as one that is too old. */
export const SyncVersion = Type.String({
  minLength: 1,
  maxLength: 4_096,
  description: "Opaque; compare it, hand it back unchanged",
});
export const SyncCursor = Type.String({
  minLength: 1,
  maxLength: 16_384,
  pattern: "^[A-Za-z0-9_-]+$",
  description: "nextCursor of the page before; the rest of the request stays the same",
});
export const DeviceId = Type.String({ pattern: "^[A-Za-z0-9_.:-]{1,64}$" });
export const DeviceType = OneOf("web", "ios", "android", "desktop", "bot");

/** Text on one line: no control characters, no lone surrogates. */
const lineOf = (min: number, max: number) => `^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]{${min},${max}}$`;
/** Text on several lines: tab and line breaks allowed. */
const blockOf = (max: number) => `^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f\\ud800-\\udfff]{0,${max}}$`;
export const Line = (min: number, max: number) => Type.String({ minLength: min, maxLength: max, pattern: lineOf(min, max) });
export const Block = (max: number) => Type.String({ maxLength: max, pattern: blockOf(max) });

export const Username = Type.String({
  pattern: `^[A-Za-z0-9_.-]{${limits.MIN_USERNAME_LENGTH},${limits.MAX_USERNAME_LENGTH}}$`,
  description: "Unique without regard to case",
});
export const Name = Line(1, limits.MAX_NAME_LENGTH);
export const Password = Type.String({ minLength: limits.MIN_PASSWORD_LENGTH, maxLength: limits.MAX_PASSWORD_LENGTH });
export const Phone = Type.String({ pattern: "^\\+?[0-9]{5,20}$", description: "Digits, with + and country code or without" });
export const Email = Type.String({
  maxLength: 254,
  pattern: "^[^\\s@\\u0000-\\u001f\\ud800-\\udfff]{1,64}@[^\\s@\\u0000-\\u001f\\ud800-\\udfff]{1,189}$",
});
export const Avatar = Type.String({
  maxLength: limits.MAX_AVATAR_LENGTH,
  pattern: "^(|https://[^\\s\\u0000-\\u001f\\ud800-\\udfff]+|[1-9][0-9]{0,18})$",
  description: "Empty, an https URL or a fileId",
});

export const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: limits.MAX_PAGE, default: limits.DEFAULT_PAGE }));
export const Cursor = Type.Optional(
  Type.String({ minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9_.:-]+$", description: "nextCursor of the page before" }),
);
export const Page = <T extends TSchema>(item: T) => Closed({ items: Type.Array(item), nextCursor: Nullable(Type.String()) });
export const UserIds = Type.Array(Id, { minItems: 1, maxItems: limits.MAX_USERS_IN_REQUEST, uniqueItems: true });
/** The answer where there is nothing to say. */
export const Nothing = Type.Null();
