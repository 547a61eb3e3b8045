import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "./server-process.ts";

export interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** `$$`, `${NAME}`, and `${NAME…}` with a default, or with what is said when it is missing. */
const VARIABLE = /\$\$|\$\{(\w+)(?:(:-|:\?)([^}]*))?\}/g;

/** A compose file of the repository with what `env` gives, as Compose reads it. @throws when a variable that must be set is not */
export function readCompose(file: string, env: Readonly<Record<string, string>> = {}): ComposeFile {
  const text = readFileSync(join(ROOT, file), "utf8");
  const revive = (_key: unknown, value: unknown): unknown => (typeof value === "string" ? interpolate(value, env) : value);
  return parse(text, revive, { merge: true }) as ComposeFile;
}

function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(VARIABLE, (whole, name?: string, operator?: string, rest = "") => {
    if (name === undefined) return "$";
    const value = env[name] ?? "";
    if (value !== "" || operator === undefined) return value;
    if (operator === ":-") return String(rest);
    throw new Error(`${whole}: ${String(rest)}`);
  });
}
