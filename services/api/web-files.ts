import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Ways that a file is kept in, the one to prefer first. */
export const ENCODINGS = ["br", "gzip", "identity"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** What stands behind a file's name when it is kept compressed. */
const SUFFIXES: Readonly<Record<Exclude<Encoding, "identity">, string>> = { br: ".br", gzip: ".gz" };

export interface WebBody {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** A file of the built client; `identity` is always there, the others where the build made them. */
export type WebFile = ReadonlyMap<Encoding, WebBody>;

/** By path, such as `/assets/main-Bx3k.js`; the page itself is `/index.html`. */
export type WebFiles = ReadonlyMap<string, WebFile>;

/** The build may be replaced while it is read. */
const ATTEMPTS = 3;

/** Where the built client is: `web/dist` of a checkout, `web` beside the compiled services of a package or image. */
export function webFolder(): string {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  return path.join(root, import.meta.url.endsWith(".ts") ? "web/dist" : "web");
}

/**
 * Reads the built client, which is then served from memory: a build that is replaced later does not mix with it. Hidden files are
 * left out, and so is what is no plain file.
 * @returns null when there is none
 */
export async function readWebFiles(folder: string): Promise<WebFiles | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      const files = await readOnce(folder);
      return files.has("/index.html") ? files : null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      if (attempt === ATTEMPTS) return null;
    }
  }
}

async function readOnce(folder: string): Promise<WebFiles> {
  const names = await namesBelow(folder);
  const bytes = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name))] as [string, Buffer])),
  );
  const isVariant = (name: string): boolean =>
    Object.values(SUFFIXES).some((suffix) => name.endsWith(suffix) && bytes.has(name.slice(0, -suffix.length)));
  return new Map(names.filter((name) => !isVariant(name)).map((name) => [`/${name}`, fileOf(name, bytes)]));
}

/** Relative, with slashes on every system. */
async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep))
    .filter((parts) => !parts.some((part) => part.startsWith(".")))
    .map((parts) => parts.join("/"));
}

function fileOf(name: string, bytes: ReadonlyMap<string, Buffer>): WebFile {
  const plain = bytes.get(name) ?? Buffer.alloc(0);
  const hash = createHash("sha256").update(plain).digest("base64url").slice(0, 22);
  const file = new Map<Encoding, WebBody>([["identity", { bytes: plain, etag: `"${hash}"` }]]);
  for (const [encoding, suffix] of Object.entries(SUFFIXES) as [Encoding, string][]) {
    const compressed = bytes.get(name + suffix);
    if (compressed) file.set(encoding, { bytes: compressed, etag: `"${hash}-${encoding}"` });
  }
  return file;
}
