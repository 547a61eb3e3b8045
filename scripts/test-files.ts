import { globSync, readFileSync } from "node:fs";
import path from "node:path";

/** In this order, so that what fails fast fails first. */
const SUITES = ["unit", "types", "contract", "integration", "regression", "e2e", "browser", "property", "crash"];

/** The clients, whose files Vitest runs. */
const CLIENTS = ["sdk", "web"];

/** What a file imports of our own files when it begins: not types, and not what is imported on demand. */
const OWN_IMPORT = /^(?:import|export)\b(?! type\b)[^;"]*"(\.{1,2}\/[^"\n]+)"/gm;

/**
 * The test files of the suites and of the clients, relative to `root`.
 * @param filters suites (`unit`), clients (`sdk`), paths or parts of paths; none chooses all
 */
export function selectFiles(root: string, filters: readonly string[]): string[] {
  const folders = [...SUITES.map((suite) => `test/${suite}`), ...CLIENTS.map((client) => `${client}/test`)];
  const all = folders.flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root }).sort());
  return filters.length === 0 ? all : all.filter((file) => filters.some((filter) => isChosen(root, file, filter)));
}

function isChosen(root: string, file: string, filter: string): boolean {
  const wanted = path.isAbsolute(filter) ? path.relative(root, filter) : path.normalize(filter);
  if (SUITES.includes(wanted)) return file.startsWith(path.join("test", wanted, path.sep));
  return CLIENTS.includes(wanted) ? clientOf(file) === wanted : file.includes(wanted);
}

/** The client that a file belongs to; null: to none, `node:test` runs it. */
export function clientOf(file: string): string | null {
  return CLIENTS.find((client) => file.startsWith(client + path.sep)) ?? null;
}

/**
 * Whether one of the files imports `target` when it begins, itself or through what it imports; found by reading them. All paths
 * are absolute.
 */
export function leadTo(files: readonly string[], target: string): boolean {
  const seen = new Set(files);
  for (const file of seen) {
    if (file === target) return true;
    for (const imported of importsOf(file)) seen.add(imported);
  }
  return false;
}

function importsOf(file: string): string[] {
  try {
    const text = readFileSync(file, "utf8");
    return [...text.matchAll(OWN_IMPORT)].map(([, specifier = ""]) => path.resolve(path.dirname(file), specifier));
  } catch {
    return []; // an import of what is not there is for the test to fail on
  }
}
