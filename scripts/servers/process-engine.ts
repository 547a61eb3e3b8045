import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { lastLines } from "./commands.ts";
import type { Acquire, Engine } from "./engine.ts";
import { canInstall, installPackages } from "./install.ts";
import { ServerError } from "./kind.ts";
import type { KindName, Program, ServerKind } from "./kind.ts";
import { hasEnded, isAlive, signalGroup, startDetached } from "./processes.ts";
import type { ServerState } from "./state.ts";

const STOP_TIMEOUT_MS = 20_000;
const KILL_TIMEOUT_MS = 5_000;
const LOG_LINES = 12;

type Found = Map<KindName, Program | ServerError>;

/** Runs the servers as processes of this machine: what is on PATH, else what can be installed. */
export function processEngine(dir: string, cache: string): Engine {
  const logFile = (name: KindName): string => join(dir, `${name}.log`);

  return {
    name: "process",
    acquire: (kinds, how) => acquire(kinds, how, dir, cache),

    launch: (kind, program, place) =>
      startDetached(program.file, [...(program.prefix ?? []), ...kind.args(program, place)], place.folder, logFile(kind.name)),

    isRunning: async (_name, server) => server.process !== null && isAlive(server.process),

    async signal(_name, server, signal) {
      if (server.process) signalGroup(server.process, signal);
    },

    stop: async (_name, server) => stop(server),

    async lastLines(name) {
      return lastLines(await readFile(logFile(name), "utf8").catch(() => ""), LOG_LINES);
    },

    removeData: async () => undefined,
  };
}

/** A frozen process takes no notice of being asked to end before it goes on. */
async function stop({ process: id }: ServerState): Promise<void> {
  if (id === null || !signalGroup(id, "SIGCONT")) return;
  signalGroup(id, "SIGTERM");
  if (await hasEnded(id, STOP_TIMEOUT_MS)) return;
  signalGroup(id, "SIGKILL");
  await hasEnded(id, KILL_TIMEOUT_MS);
}

async function acquire(kinds: readonly ServerKind[], how: Acquire, dir: string, cache: string): Promise<Found> {
  const found: Found = new Map();
  const missing: ServerKind[] = [];
  const programs = await Promise.all(kinds.map((kind) => find(kind, cache)));
  for (const [index, kind] of kinds.entries()) {
    const program = programs[index];
    if (program) found.set(kind.name, program);
    else missing.push(kind);
  }
  if (missing.length === 0) return found;
  const reason = how.install ? await installMissing(missing, dir, how) : "";
  for (const kind of missing) {
    const problem = how.install ? (await fetch(kind, cache, how)) || reason : "";
    const why = problem || (how.install ? "not on this machine" : "not on this machine, and nothing is fetched here");
    found.set(kind.name, (await find(kind, cache)) ?? new ServerError(`${kind.name}: ${why}; ${adviceFor(kind, how)}`));
  }
  return found;
}

async function find(kind: ServerKind, cache: string): Promise<Program | null> {
  return kind.find(cache).catch(() => null);
}

function adviceFor(kind: ServerKind, { install }: Acquire): string {
  return install ? `${kind.advice}, or start Docker` : `\`npm run servers up\` brings it, or ${kind.advice}`;
}

/** Why it failed, or nothing. */
async function installMissing(kinds: readonly ServerKind[], dir: string, { report }: Acquire): Promise<string> {
  if (!(await canInstall())) return "not on this machine, and only root with apt-get installs packages";
  const packages = await Promise.all(kinds.map((kind) => kind.missingPackages()));
  return reasonOf(installPackages([...new Set(packages.flat())], join(dir, "install.log"), report));
}

async function fetch(kind: ServerKind, cache: string, { report }: Acquire): Promise<string> {
  if (!kind.fetch) return "";
  if ((await kind.missingPackages()).length > 0) return "";
  report(`Fetching ${kind.name} into ${cache}`);
  return reasonOf(kind.fetch(cache));
}

async function reasonOf(work: Promise<void>): Promise<string> {
  return work.then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
