import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Gender, OwnUser, User } from "../entities.ts";
import { MAX_SIGNATURE_LENGTH, MAX_USERS_IN_REQUEST } from "../limits.ts";
import {
  Avatar,
  Block,
  Closed,
  Cursor,
  Email,
  Id,
  Limit,
  Line,
  Name,
  Nothing,
  Nullable,
  Page,
  Password,
  Phone,
  Time,
  Username,
} from "../primitives.ts";

/** One way to name an account at sign-in. */
export const Account = { username: Type.Optional(Username), phone: Type.Optional(Phone), email: Type.Optional(Email) };

const Registered = { createdAfter: Type.Optional(Time), createdBefore: Type.Optional(Time) };

export const userContract = {
  register: {
    summary: "Make an account",
    params: Closed({
      username: Username,
      password: Password,
      nickname: Type.Optional(Name),
      phone: Type.Optional(Phone),
      email: Type.Optional(Email),
      code: Type.Optional(Type.String({ maxLength: 16, description: "One-time codes are not available yet: a code is refused" })),
    }),
    result: Closed({ user: OwnUser }),
    errors: ["USERNAME_TAKEN", "CONTACT_TAKEN", "WEAK_PASSWORD"],
  },
  me: { summary: "My own profile", params: Closed({}), result: OwnUser, idempotent: true },
  updateProfile: {
    summary: "Change my profile",
    params: Closed({
      nickname: Type.Optional(Name),
      avatar: Type.Optional(Avatar),
      signature: Type.Optional(Block(MAX_SIGNATURE_LENGTH)),
      gender: Type.Optional(Gender),
      region: Type.Optional(Line(0, 64)),
      phone: Type.Optional(Nullable(Phone)),
      email: Type.Optional(Nullable(Email)),
    }),
    result: OwnUser,
    errors: ["CONTACT_TAKEN"],
  },
  changePassword: {
    summary: "Change my password; my other sessions end",
    params: Closed({ oldPassword: Type.String({ minLength: 1, maxLength: 128 }), newPassword: Password }),
    result: Nothing,
    errors: ["WRONG_OLD_PASSWORD", "WEAK_PASSWORD", "RATE_LIMITED"],
  },
  deleteMe: { summary: "Delete my account", params: Closed({}), result: Nothing, errors: ["OWNER_MUST_TRANSFER"] },
  exportMe: {
    summary: "All of my own data",
    params: Closed({}),
    result: Type.Record(Type.String(), Type.Unknown()),
    stream: true,
    idempotent: true,
  },
  get: { summary: "A user by id", params: Closed({ userId: Id }), result: User, errors: ["USER_NOT_FOUND"], idempotent: true },
  search: {
    summary: "Users whose name, phone number or e-mail address is exactly this",
    params: Closed({ keyword: Line(1, 254), limit: Limit, cursor: Cursor }),
    result: Page(User),
    errors: ["QUOTA_EXCEEDED"],
    idempotent: true,
  },
  /** Internal. Deleted users come as a placeholder with their user name, unknown ids are missing. */
  getMany: {
    summary: "Users by id",
    params: Closed({ userIds: Type.Array(Id, { maxItems: 5_000 }) }),
    result: Type.Array(User),
    idempotent: true,
  },
  /** Internal. Those of the given users that exist, are not deleted and not disabled. */
  activeAmong: {
    summary: "Which of these users can be written to",
    params: Closed({ userIds: Type.Array(Id, { maxItems: MAX_USERS_IN_REQUEST }) }),
    result: Type.Array(Id),
    idempotent: true,
  },
  /** Internal: active users in the order of their ids, for work through all of them; a short list is the last. Bounds exclude themselves. */
  idsAfter: {
    summary: "Ids of active users, ascending",
    params: Closed({
      ...Registered,
      after: Type.Optional(Id),
      userIds: Type.Optional(Type.Array(Id, { maxItems: MAX_USERS_IN_REQUEST })),
      limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
    }),
    result: Type.Array(Id),
    idempotent: true,
  },
  /** Internal. Bounds exclude themselves. */
  count: { summary: "How many active users there are", params: Closed(Registered), result: Type.Integer(), idempotent: true },
  /** Internal. Takes the same time for accounts that are unknown, disabled or deleted. `credential` names the password that was right. */
  authenticate: {
    summary: "The user with this account and password",
    params: Closed({ ...Account, password: Type.String({ minLength: 1, maxLength: 128 }) }),
    result: Nullable(Closed({ user: OwnUser, credential: Type.String() })),
    idempotent: true,
  },
  /** Internal. Asked once a session is stored: false when a ban, a deletion or a new password came between, which could not see the session. */
  credentialHolds: {
    summary: "Whether a user who signed in is still active and has the same password",
    params: Closed({ userId: Id, credential: Type.String() }),
    result: Type.Boolean(),
    idempotent: true,
  },
  /** Internal. */
  setDisabled: {
    summary: "Disable or enable a user; disabling ends all sessions",
    params: Closed({ userId: Id, disabled: Type.Boolean() }),
    result: Nothing,
    errors: ["USER_NOT_FOUND"],
  },
  /** Internal: the id of a user name, for operators. */
  idOf: { summary: "The id of a user name", params: Closed({ username: Username }), result: Nullable(Id), idempotent: true },
} satisfies ServiceContract;
