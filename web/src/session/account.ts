import { ImError, type Params } from "@moleculer-im/client";
import {
  MAX_NAME_LENGTH,
  MAX_PASSWORD_LENGTH,
  MAX_USERNAME_LENGTH,
  MIN_PASSWORD_LENGTH,
  MIN_USERNAME_LENGTH,
} from "../../../contracts/limits.ts";

export type Account = Pick<Params<"auth.login">, "username" | "phone" | "email">;

/** Keys of sentences, by the field that they are about. */
export type Problems = Readonly<Record<string, string>>;

const USERNAME = new RegExp(`^[A-Za-z0-9_.-]{${MIN_USERNAME_LENGTH},${MAX_USERNAME_LENGTH}}$`);
const PHONE = /^\+?[0-9]{5,20}$/;
const WRONG_CREDENTIALS = 1002;

/** What an account that somebody typed can stand for, the likeliest first: digits alone may be a phone number or a name. */
export function accountsOf(typed: string): readonly Account[] {
  const text = typed.trim();
  if (text.includes("@")) return [{ email: text }];
  if (text.startsWith("+")) return [{ phone: text }];
  return PHONE.test(text) && USERNAME.test(text) ? [{ username: text }, { phone: text }] : [{ username: text }];
}

/**
 * Tries each of them until one is right. @throws ImError the last one's, or at once any but that of a wrong account
 */
export async function tryEach(accounts: readonly Account[], signIn: (account: Account) => Promise<void>): Promise<void> {
  for (const [at, account] of accounts.entries()) {
    try {
      await signIn(account);
      return;
    } catch (error) {
      const isWrong = error instanceof ImError && error.code === WRONG_CREDENTIALS;
      if (!isWrong || at === accounts.length - 1) throw error;
    }
  }
}

const lengthOf = (text: string): number => [...text].length;

export function signInProblems(account: string, password: string): Problems {
  return {
    ...(account.trim() === "" ? { account: "session.fields.accountMissing" } : {}),
    ...(password === "" ? { password: "session.fields.passwordMissing" } : {}),
  };
}

export function signUpProblems(username: string, nickname: string, password: string): Problems {
  return {
    ...(username === "" ? { username: "session.fields.usernameMissing" } : {}),
    ...(username !== "" && !USERNAME.test(username) ? { username: "session.fields.usernameShape" } : {}),
    ...(lengthOf(nickname) > MAX_NAME_LENGTH ? { nickname: "session.fields.nicknameLength" } : {}),
    ...passwordProblem(password),
  };
}

export function passwordProblem(password: string): { readonly password?: string } {
  const length = lengthOf(password);
  return length < MIN_PASSWORD_LENGTH || length > MAX_PASSWORD_LENGTH ? { password: "session.fields.passwordLength" } : {};
}
