import { invalid, invalidField } from "./validation.ts";

/** How a person says which account is theirs; `value` in the form in which it is unique. */
export interface AccountName {
  readonly kind: "username" | "phone" | "email";
  readonly value: string;
}

export const usernameKey = (username: string): string => username.toLowerCase();
export const normalEmail = (email: string): string => email.toLowerCase();

/** @throws VALIDATION unless exactly one of the three is given */
export function accountName(given: { username?: string; phone?: string; email?: string }): AccountName {
  const names: AccountName[] = [];
  if (given.username !== undefined) names.push({ kind: "username", value: usernameKey(given.username) });
  if (given.phone !== undefined) names.push({ kind: "phone", value: given.phone });
  if (given.email !== undefined) names.push({ kind: "email", value: normalEmail(given.email) });
  const [name, ...others] = names;
  if (!name) throw invalidField("username", "one of username, phone, email is required");
  if (others.length > 0)
    throw invalid(others.map(({ kind }) => ({ field: kind, message: "only one of username, phone, email may be given" })));
  return name;
}
