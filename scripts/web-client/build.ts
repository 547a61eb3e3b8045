import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { environmentOfOthers } from "../../config/env.ts";
import { withBuildLock } from "./build-lock.ts";
import { compressFiles } from "./compress.ts";
import { distOf, hashOfSources, isFresh, MARK } from "./sources.ts";

const BUILD_TIMEOUT_MS = 600_000;
const LOCK = "lock";
const MAX_OUTPUT_BYTES = 16_000_000;
/** What it takes on a small machine; told to who waits for it. */
const USUAL_S = 10;

const viteOf = (root: string): string => path.join(root, "node_modules/vite/bin/vite.js");

/** Whether the client can be built here; an installation without development packages cannot. */
export const canBuild = (root: string): boolean => existsSync(viteOf(root));

/**
 * Builds the client into `web/dist` unless it is there already. Processes that come at once build it once, the others wait; the
 * folder holds a whole build at any time.
 * @throws with one line of what vite says, when it fails; what was built before stays then
 */
export async function buildWebClient(root: string, report: (line: string) => void): Promise<void> {
  const work = path.join(root, "web/.build");
  await mkdir(work, { recursive: true });
  const onWait = (): void => report("Waiting for the web client, which another process builds");
  await withBuildLock(path.join(work, LOCK), onWait, async () => {
    if (isFresh(root)) return;
    report(`Building the web client, once (about ${USUAL_S} s) …`);
    const startedAt = performance.now();
    await build(root, work);
    report(`The web client is built after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  });
}

async function build(root: string, work: string): Promise<void> {
  for (const name of await readdir(work)) {
    if (name !== LOCK) await rm(path.join(work, name), { recursive: true, force: true });
  }
  // Each of its own name: a build whose process was ended may still be writing.
  const [made, replaced] = [await mkdtemp(path.join(work, "new-")), await mkdtemp(path.join(work, "old-"))];
  const hash = hashOfSources(root); // before: what is saved meanwhile is built the next time
  const args = [viteOf(root), "build", path.join(root, "web"), "--outDir", made, "--emptyOutDir", "--logLevel", "warn"];
  const env = { ...environmentOfOthers(), NODE_ENV: "production" };
  await promisify(execFile)(process.execPath, args, { env, timeout: BUILD_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES }).catch(
    (error: unknown) => {
      throw new Error(`${reasonIn(error)} (\`npx vite build web\` shows all)`, { cause: error });
    },
  );
  await compressFiles(made);
  await writeFile(path.join(made, MARK), hash);
  if (existsSync(distOf(root))) await rename(distOf(root), path.join(replaced, "dist"));
  await chmod(made, 0o755); // a temporary folder is for its owner alone
  await rename(made, distOf(root));
  await rm(replaced, { recursive: true, force: true });
}

/** Lines around the reason: headings, and the stack below it. */
const NO_REASON = /^\s*$|^\s+at |^error during build|build failed/i;

function reasonIn(error: unknown): string {
  const { stdout = "", stderr = "", killed = false } = error as { stdout?: string; stderr?: string; killed?: boolean };
  if (killed) return `it took longer than ${BUILD_TIMEOUT_MS / 1_000} s`;
  const said = stripVTControlCharacters(`${stderr}\n${stdout}`)
    .split("\n")
    .find((line) => !NO_REASON.test(line));
  return said?.trim() ?? (error as Error).message;
}
