import { ImError } from "@moleculer-im/client";
import { t } from "../i18n/index.ts";
import { explain, fieldProblems } from "../ui/errors.ts";

/** What the server refused: sentences by field, and one for the rest. */
export interface Refusals {
  readonly fields: Readonly<Record<string, string>>;
  readonly rest: string | null;
}
export const NO_REFUSALS: Refusals = { fields: {}, rest: null };

/** Errors that are about one field alone. */
const FIELD_OF_CODE: Readonly<Record<number, string>> = { 1001: "username", 1006: "password" };

/** The server's words about a field are for programs; these say the same to people. */
const FIELD_WORDS: Readonly<Record<string, string>> = {
  username: "session.fields.usernameShape",
  password: "session.fields.passwordLength",
  newPassword: "session.fields.passwordLength",
  nickname: "session.fields.nicknameLength",
  phone: "session.fields.phoneShape",
  email: "session.fields.emailShape",
  avatar: "session.fields.avatarShape",
};

/** Sorts an error by the fields of a form; `shown` are the ones that it has. */
export function refusalsOf(error: unknown, shown: readonly string[]): Refusals {
  const single = error instanceof ImError ? FIELD_OF_CODE[error.code] : undefined;
  if (single && shown.includes(single)) return { fields: { [single]: explain(error) }, rest: null };
  const named = fieldProblems(error).filter(({ field }) => shown.includes(field));
  if (named.length === 0) return { fields: {}, rest: explain(error) };
  const fields = named.map(({ field }) => [field, t(FIELD_WORDS[field] ?? "session.fields.other")] as const);
  return { fields: Object.fromEntries(fields), rest: null };
}

/** Sentences of what a form found by itself. */
export function ownRefusals(problems: Readonly<Record<string, string>>): Refusals {
  return { fields: Object.fromEntries(Object.entries(problems).map(([field, key]) => [field, t(key)])), rest: null };
}
