import { homedir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `Usage: im-chat --user NAME [--url URL] [options]

  --url URL             the server (http://127.0.0.1:3000)
  --user NAME           the user name to sign in with
  --sign-up             make the account first
  --nickname NAME       of a new account
  --password-file FILE  its first line is the password; else it is asked for, or read as the first line of the input
  --data FOLDER         where what is known is kept (~/.im-chat)
  --help                this text; /help lists the commands inside
`;

export interface Options {
  readonly url: string;
  readonly user: string;
  readonly nickname: string | null;
  readonly isSignUp: boolean;
  readonly passwordFile: string | null;
  /** The file that keeps this user's side of this server. */
  readonly storeFile: string;
}

/** Options that cannot be understood; the message says which. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @returns null when only help is wanted  @throws UsageError */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args);
  if (values.help) return null;
  const { user, url = "http://127.0.0.1:3000", data = path.join(homedir(), ".im-chat") } = values;
  if (!user) throw new UsageError("--user is missing");
  return {
    url,
    user,
    nickname: values.nickname ?? null,
    isSignUp: values["sign-up"] === true,
    passwordFile: values["password-file"] ?? null,
    storeFile: path.join(path.resolve(data), encodeURIComponent(hostOf(url)), `${encodeURIComponent(user.toLowerCase())}.store`),
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    const options = {
      url: text,
      user: text,
      nickname: text,
      "password-file": text,
      data: text,
      "sign-up": flag,
      help: { ...flag, short: "h" },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    throw new UsageError(`--url is not the address of a server: ${url}`);
  }
}
