import { setTimeout as delay } from "node:timers/promises";
import type { Acquire, Engine } from "./engine.ts";
import { KINDS, placeOf, serverState } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { ServerError } from "./kind.ts";
import type { KindName, Place, Program, ServerKind } from "./kind.ts";
import { freePorts, isFree } from "./ports.ts";
import { rememberServer } from "./state.ts";
import type { ServerState } from "./state.ts";

/** A server that cannot be used within this time is given up. */
export const START_TIMEOUT_MS = 90_000;
const POLL_MS = 50;

export type Outcome =
  | { readonly name: KindName; readonly result: "running" | "started"; readonly tookMs: number }
  | { readonly name: KindName; readonly result: "failed"; readonly problem: string };

/** Those that run and answer stay as they are, the others are started side by side. @returns one outcome for each name */
export async function startAll(folder: Folder, names: readonly KindName[], how: Acquire): Promise<Outcome[]> {
  const isUp = await Promise.all(names.map((name) => isRunning(folder, name)));
  const missing = names.filter((_name, index) => !isUp[index]);
  const programs = await folder.engine.acquire(
    missing.map((name) => KINDS[name]),
    how,
  );
  return Promise.all(names.map((name) => startOne(folder, KINDS[name], programs.get(name))));
}

async function isRunning(folder: Folder, name: KindName): Promise<boolean> {
  const server = serverState(folder, name);
  return server !== null && folder.engine.isRunning(name, server);
}

/** @param program null when it runs already */
async function startOne(folder: Folder, kind: ServerKind, program: Program | ServerError | undefined): Promise<Outcome> {
  const { name } = kind;
  const start = performance.now();
  try {
    if (program instanceof ServerError) throw program;
    if (program) await launch(folder, kind, program, await portsFor(folder, kind));
    else await waitUntilReady(folder, kind);
    return { name, result: program ? "started" : "running", tookMs: performance.now() - start };
  } catch (error) {
    return { name, result: "failed", problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Those of the last time, so that URLs stay, unless somebody else took one. */
async function portsFor(folder: Folder, { name, portCount }: ServerKind): Promise<Place["ports"]> {
  const ports = serverState(folder, name)?.ports;
  const isFit = ports?.length === portCount && (await Promise.all(ports.map(isFree))).every(Boolean);
  return ports && isFit ? ports : freePorts(portCount);
}

/**
 * Starts a server on its data and waits until it can be used. One that does not come up is stopped.
 * @throws ServerError with the end of its log
 */
export async function launch(folder: Folder, kind: ServerKind, program: Program, ports: Place["ports"]): Promise<void> {
  const place = placeOf(folder, kind.name, ports);
  await kind.prepare(program, place);
  const process = await folder.engine.launch(kind, program, place);
  const server: ServerState = { ports, version: program.version, from: program.from, process };
  rememberServer(folder.dir, kind.name, server);
  try {
    await waitUntilReady(folder, kind);
    await kind.afterStart?.(place);
  } catch (error) {
    await folder.engine.stop(kind.name, server);
    throw error;
  }
}

/** @throws ServerError when it ends or does not get ready in time */
export async function waitUntilReady(folder: Folder, kind: ServerKind): Promise<void> {
  const { name } = kind;
  const server = serverState(folder, name);
  if (server === null) throw new ServerError(`${name} was never started in ${folder.dir}`);
  const place = placeOf(folder, name, server.ports);
  const end = performance.now() + START_TIMEOUT_MS;
  while (!(await kind.isReady(place))) {
    const isUp = await folder.engine.isRunning(name, server);
    if (!isUp) throw await failure(folder.engine, name, "ended instead of getting ready");
    if (performance.now() > end) throw await failure(folder.engine, name, `did not answer within ${START_TIMEOUT_MS / 1_000} s`);
    await delay(POLL_MS);
  }
}

async function failure(engine: Engine, name: KindName, what: string): Promise<ServerError> {
  const log = await engine.lastLines(name);
  return new ServerError(`${name} ${what}. The end of its log:\n${log.replace(/^/gm, "    ")}`);
}
