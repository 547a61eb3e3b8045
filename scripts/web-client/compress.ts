import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** What gets smaller; pictures and fonts are compressed as they are. */
const TEXT = /\.(?:html|js|css|svg|json|webmanifest|txt|map|ico|wasm)$/;
/** Less fits into one packet anyway. */
const MIN_BYTES = 1_024;

const VARIANTS = {
  ".br": (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }),
  ".gz": (bytes: Buffer) => promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
};

/** Puts a brotli and a gzip variant beside each file that gets smaller by it, so that a server compresses nothing. */
export async function compressFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && TEXT.test(entry.name));
  await Promise.all(files.map(({ parentPath, name }) => compressFile(path.join(parentPath, name))));
}

async function compressFile(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.length < MIN_BYTES) return;
  for (const [suffix, compress] of Object.entries(VARIANTS)) {
    const smaller = await compress(bytes);
    if (smaller.length < bytes.length) await writeFile(file + suffix, smaller);
  }
}
