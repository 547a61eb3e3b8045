import { ImError } from "@moleculer-im/client";
import { describe, expect, test } from "vitest";
import { accountsOf, signInProblems, signUpProblems, tryEach, type Account } from "../../src/session/account.ts";
import { nextOf } from "../../src/session/next.ts";

const refuse = (code: number) => new ImError(code, "refused", { status: 401 });

describe("an account that was typed", () => {
  test("is an e-mail address when it has an @, a phone number when it begins with +", () => {
    expect(accountsOf(" ada@example.com ")).toEqual([{ email: "ada@example.com" }]);
    expect(accountsOf("+8613800000000")).toEqual([{ phone: "+8613800000000" }]);
  });

  test("is a user name, or also a phone number when it is digits alone", () => {
    expect(accountsOf("ada")).toEqual([{ username: "ada" }]);
    expect(accountsOf("13800000000")).toEqual([{ username: "13800000000" }, { phone: "13800000000" }]);
  });

  test("is tried as the next thing that it can be when it is wrong as the first", async () => {
    const tried: Account[] = [];
    await tryEach(accountsOf("13800000000"), async (account) => {
      tried.push(account);
      if (account.username) throw refuse(1002);
    });
    expect(tried).toEqual([{ username: "13800000000" }, { phone: "13800000000" }]);
  });

  test("is not tried again after another refusal", async () => {
    const tried: Account[] = [];
    const signIn = async (account: Account): Promise<void> => {
      tried.push(account);
      throw refuse(9005);
    };
    await expect(tryEach(accountsOf("13800000000"), signIn)).rejects.toMatchObject({ code: 9005 });
    expect(tried).toHaveLength(1);
  });
});

describe("what a form finds by itself", () => {
  test("names each empty field of the sign-in", () => {
    expect(Object.keys(signInProblems(" ", ""))).toEqual(["account", "password"]);
    expect(signInProblems("ada", "x")).toEqual({});
  });

  test("names user names and passwords that no server takes", () => {
    expect(signUpProblems("a b", "", "long enough")).toEqual({ username: "session.fields.usernameShape" });
    expect(signUpProblems("ada", "", "short")).toEqual({ password: "session.fields.passwordLength" });
    expect(signUpProblems("ada", "n".repeat(65), "long enough")).toEqual({ nickname: "session.fields.nicknameLength" });
    expect(signUpProblems("ada", "", "𝒶".repeat(8))).toEqual({});
  });
});

describe("where one goes once signed in", () => {
  test("is the address that was asked for, when it is one of this page", () => {
    expect(nextOf({ query: { next: "/groups/7?code=a" } })).toBe("/groups/7?code=a");
  });

  test("is never another place", () => {
    for (const next of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", ["/a"], undefined]) {
      expect(nextOf({ query: next === undefined ? {} : { next } })).toBe("/chats");
    }
  });
});
