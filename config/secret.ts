import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import path from "node:path";
import { ConfigError } from "./config-error.ts";
import { secret } from "./formats.ts";

const SECRET_BYTES = 48;

/**
 * The signing secret kept in `<dataDir>/secret` (mode 0600), made on the first call. Processes that call it at once get the
 * same one: a complete file is linked into place, which only the first of them can do.
 * @throws ConfigError when the file cannot be read or made, or holds no usable secret
 */
export function loadOrCreateSecret(dataDir: string): string {
  const file = path.join(dataDir, "secret");
  try {
    return readSecret(file) ?? createSecret(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`The secret in ${file} can be neither read nor made (${codeOf(error)}).`]);
  }
}

function readSecret(file: string): string | null {
  let content: string;
  try {
    content = readFileSync(file, "utf8").trim();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  if (secret().accepts(content)) return content;
  throw new ConfigError([`The secret in ${file} is too short or damaged; delete the file to have a new one made.`]);
}

function createSecret(file: string): string {
  const made = randomBytes(SECRET_BYTES).toString("base64url");
  const draft = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
  writeDurably(draft, `${made}\n`);
  try {
    linkSync(draft, file);
    return made;
  } catch (error) {
    const others = codeOf(error) === "EEXIST" ? readSecret(file) : null;
    if (others === null) throw error;
    return others;
  } finally {
    unlinkSync(draft);
  }
}

function writeDurably(file: string, content: string): void {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
