import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { dockerEngine, isDockerThere } from "./docker-engine.ts";
import type { Engine } from "./engine.ts";
import { kafka } from "./kafka.ts";
import { ServerError } from "./kind.ts";
import type { KindName, Place, Program, Secrets, ServerKind } from "./kind.ts";
import { mysql } from "./mysql.ts";
import { nats } from "./nats.ts";
import { processEngine } from "./process-engine.ts";
import { redis } from "./redis.ts";
import { newState, readState, writeState } from "./state.ts";
import type { EngineName, ServerState } from "./state.ts";

export const KINDS: Readonly<Record<KindName, ServerKind>> = { mysql, redis, nats, kafka };
export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];

export const DEFAULT_DIR = resolve(import.meta.dirname, "../../data/servers");
export const DEFAULT_CACHE = join(homedir(), ".cache", "moleculer-im");

/** A folder of servers and what runs them. */
export interface Folder {
  readonly dir: string;
  readonly engine: Engine;
  readonly secrets: Secrets;
}

function engineOf(name: EngineName, dir: string, cache: string): Engine {
  return name === "docker" ? dockerEngine(dir) : processEngine(dir, cache);
}

/** Opens a folder where servers were started before; null when none were. @throws ServerError */
export function openFolder(dir: string, cache: string): Folder | null {
  const path = resolve(dir);
  const state = readState(path);
  return state && { dir: path, engine: engineOf(state.engine, path, cache), secrets: state.secrets };
}

/** Opens a folder, a new one too. @throws ServerError */
export async function makeFolder(dir: string, cache: string): Promise<Folder> {
  const path = resolve(dir);
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (!existsSync(join(path, "state.json"))) writeState(path, newState((await isDockerThere()) ? "docker" : "process"));
  const folder = openFolder(path, cache);
  if (folder === null) throw new ServerError(`${path} was removed just now`);
  return folder;
}

/** For each kind the program that a new folder would use if nothing may be fetched, or why there is none. */
export async function programsOnThisMachine(
  names: readonly KindName[],
  cache: string,
): Promise<ReadonlyMap<KindName, Program | ServerError>> {
  const engine = engineOf((await isDockerThere()) ? "docker" : "process", DEFAULT_DIR, cache);
  return engine.acquire(
    names.map((name) => KINDS[name]),
    { install: false, report: () => undefined },
  );
}

export function placeOf({ dir, secrets }: Folder, name: KindName, ports: Place["ports"]): Place {
  return { folder: join(dir, name), ports, secrets };
}

/** What is remembered of a server, whether it runs or not. @throws ServerError */
export function serverState({ dir }: Folder, name: KindName): ServerState | null {
  return readState(dir)?.servers[name] ?? null;
}
