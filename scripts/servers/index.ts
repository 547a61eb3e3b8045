import { rm } from "node:fs/promises";
import {
  DEFAULT_CACHE,
  KINDS,
  KIND_NAMES,
  makeFolder,
  openFolder,
  placeOf,
  programsOnThisMachine,
  serverState,
} from "./folder.ts";
import type { Folder } from "./folder.ts";
import { ServerError } from "./kind.ts";
import type { KindName } from "./kind.ts";
import { serverHandle } from "./server.ts";
import type { Server } from "./server.ts";
import { startAll } from "./start.ts";
import type { Outcome } from "./start.ts";
import { withLock } from "./state.ts";

export { DEFAULT_CACHE, DEFAULT_DIR, KIND_NAMES } from "./folder.ts";
export { ServerError } from "./kind.ts";
export type { KindName } from "./kind.ts";
export type { Server } from "./server.ts";
export type { Outcome } from "./start.ts";

export interface Options<K extends KindName = KindName> {
  /** Folder of state, data and logs; made when missing. */
  readonly dir: string;
  /** All of them unless named. */
  readonly kinds?: readonly K[];
  /** Folder of what is fetched once and shared by all folders; `~/.cache/moleculer-im` unless named. */
  readonly cache?: string;
  /** Whether what is missing may be installed and fetched; false unless said. */
  readonly install?: boolean;
  /** Told, in lines for people, of what takes long. */
  readonly report?: (line: string) => void;
}

/** What a folder's server is doing. */
export interface Status {
  readonly name: KindName;
  readonly setting: string;
  readonly url: string;
  readonly port: number;
  /** Null when it does not run, or in a container. */
  readonly pid: number | null;
  readonly version: string;
  readonly from: string;
  /** `silent`: it runs and does not answer. */
  readonly state: "answers" | "silent" | "stopped";
}

/** Running servers; `stop` and `await using` end them. */
export type Servers<K extends KindName = KindName> = { readonly [name in K]: Server } & AsyncDisposable & {
    readonly dir: string;
    /** The settings of the product, such as IM_REDIS_URL. */
    readonly env: Readonly<Record<string, string>>;
    /** Ends all of them in good order. @param options.removeData the folder goes as well */
    stop(options?: { removeData?: boolean }): Promise<void>;
  };

/**
 * Brings the servers of a folder up: what runs and answers stays, what died is started again on its data. Each is on its own:
 * one that fails leaves the others running.
 * @throws ServerError when the folder itself cannot be used
 */
export async function bringUp({ dir, kinds = [], cache = DEFAULT_CACHE, ...options }: Options): Promise<Outcome[]> {
  const { install = false, report = () => undefined } = options;
  const waiting = (): void => report(`Waiting for another process that works on ${dir}`);
  return withLock(
    dir,
    async () => startAll(await makeFolder(dir, cache), kinds.length > 0 ? kinds : KIND_NAMES, { install, report }),
    waiting,
  );
}

/** Like `bringUp`, or nothing: when one fails, those that this call started are stopped. @throws ServerError that says what failed */
export async function bringAllUp(options: Options): Promise<Outcome[]> {
  const outcomes = await bringUp(options);
  const problems = outcomes.flatMap((outcome) => (outcome.result === "failed" ? [outcome.problem] : []));
  if (problems.length === 0) return outcomes;
  const started = outcomes.filter(({ result }) => result === "started").map(({ name }) => name);
  if (started.length > 0) await takeDown(options.dir, { kinds: started, cache: options.cache });
  throw new ServerError(problems.join("\n"));
}

/** Why servers of these kinds cannot be started here without fetching anything, a line for each that cannot; none when all can. */
export async function whatIsMissing(kinds: readonly KindName[], cache: string = DEFAULT_CACHE): Promise<string[]> {
  const programs = await programsOnThisMachine(kinds, cache);
  return [...programs.values()].flatMap((program) => (program instanceof ServerError ? [program.message] : []));
}

/** Brings servers up for the program that calls it, which can then kill, freeze and restart each. @throws ServerError */
export async function startServers<K extends KindName = KindName>(options: Options<K>): Promise<Servers<K>> {
  await bringAllUp(options);
  const folder = openFolder(options.dir, options.cache ?? DEFAULT_CACHE);
  if (folder === null) throw new ServerError(`${options.dir} was removed just now`);
  return servers(folder, options.kinds ?? (KIND_NAMES as readonly K[]));
}

function servers<K extends KindName>(folder: Folder, names: readonly K[]): Servers<K> {
  const handles = Object.fromEntries(names.map((name) => [name, serverHandle(folder, name)])) as { [name in K]: Server };
  const stop = async ({ removeData = false } = {}): Promise<void> => {
    await takeDown(folder.dir, { kinds: names, removeData });
  };
  return {
    ...handles,
    dir: folder.dir,
    env: Object.fromEntries(names.map((name) => [KINDS[name].setting, handles[name].url])),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/**
 * Ends a folder's servers in good order, by what its state file knows of them and never by name.
 * @returns the names of those that ran
 * @throws ServerError when the state file cannot be read
 */
export async function takeDown(
  dir: string,
  {
    kinds = KIND_NAMES,
    cache = DEFAULT_CACHE,
    removeData = false,
  }: { kinds?: readonly KindName[]; cache?: string; removeData?: boolean } = {},
): Promise<KindName[]> {
  const folder = openFolder(dir, cache);
  const stopped = folder && (await withLock(folder.dir, () => stopThem(folder, kinds, removeData)));
  if (removeData) await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  return stopped ?? [];
}

async function stopThem(folder: Folder, kinds: readonly KindName[], removeData: boolean): Promise<KindName[]> {
  const names = await Promise.all(kinds.map((name) => stopOne(folder, name)));
  if (removeData) await folder.engine.removeData();
  return names.filter((name) => name !== null);
}

async function stopOne(folder: Folder, name: KindName): Promise<KindName | null> {
  const server = serverState(folder, name);
  if (server === null || !(await folder.engine.isRunning(name, server))) return null;
  await folder.engine.stop(name, server);
  return name;
}

/** Every server that was ever started in the folder. @throws ServerError when the state file cannot be read */
export async function statusOf(dir: string, cache: string = DEFAULT_CACHE): Promise<Status[]> {
  const folder = openFolder(dir, cache);
  if (folder === null) return [];
  const all = await Promise.all(KIND_NAMES.map((name) => statusOfOne(folder, name)));
  return all.filter((status) => status !== null);
}

async function statusOfOne(folder: Folder, name: KindName): Promise<Status | null> {
  const server = serverState(folder, name);
  if (server === null) return null;
  const place = placeOf(folder, name, server.ports);
  const isUp = await folder.engine.isRunning(name, server);
  const answers = isUp && (await KINDS[name].isReady(place));
  const { setting, url } = KINDS[name];
  return {
    ...{ name, setting, url: url(place), port: server.ports[0], version: server.version, from: server.from },
    pid: isUp ? (server.process?.pid ?? null) : null,
    state: answers ? "answers" : isUp ? "silent" : "stopped",
  };
}
