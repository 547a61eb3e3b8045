import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { takeDown } from "./index.ts";
import { identify, isAlive } from "./processes.ts";
import type { ProcessId } from "./processes.ts";

/** Folders of servers that live no longer than the process that made them. */
const ROOM = resolve(import.meta.dirname, "../../data/test-servers");
const OWNER = "owner.json";

/** A new folder for servers of this process; `takeDown` with `removeData` ends them and removes it. */
export async function temporaryServersFolder(): Promise<string> {
  await mkdir(ROOM, { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(join(ROOM, `${process.pid}-`));
  const unfinished = join(dir, `${OWNER}.unfinished`);
  await writeFile(unfinished, JSON.stringify(identify(process.pid)));
  await rename(unfinished, join(dir, OWNER));
  return dir;
}

/** Ends what processes that were killed have left behind. */
export async function removeAbandonedServers(): Promise<void> {
  const names = await readdir(ROOM).catch(() => []);
  await Promise.all(names.map((name) => removeIfAbandoned(join(ROOM, name))));
}

async function removeIfAbandoned(dir: string): Promise<void> {
  const text = await readFile(join(dir, OWNER), "utf8").catch(() => null);
  // Without it the folder is being made just now.
  if (text === null) return;
  if (isAlive(JSON.parse(text) as ProcessId)) return;
  await takeDown(dir, { removeData: true }).catch((error: unknown) => {
    // Two runs that begin together both find it, and the other one was faster.
    if (existsSync(join(dir, OWNER))) throw error;
  });
}
