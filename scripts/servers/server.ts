import { setTimeout as delay } from "node:timers/promises";
import { KINDS, placeOf, serverState } from "./folder.ts";
import type { Folder } from "./folder.ts";
import { ServerError } from "./kind.ts";
import type { KindName, Place } from "./kind.ts";
import { rootUrl } from "./mysql.ts";
import { isFree } from "./ports.ts";
import { isAlive } from "./processes.ts";
import { launch } from "./start.ts";
import { withLock } from "./state.ts";
import type { ServerState } from "./state.ts";

const END_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** One running server, to be made to fail and to come back. */
export interface Server {
  readonly name: KindName;
  /** The value of its setting. It stays through every restart. */
  readonly url: string;
  /** Of the database, for a user who may do everything; null for the others. */
  readonly rootUrl: string | null;
  /** Null in a container and when it does not run. */
  readonly pid: number | null;
  /** A frozen one runs. */
  isRunning(): Promise<boolean>;
  /** Sends a signal and waits until the server has ended. @throws ServerError when it goes on running */
  kill(signal?: "SIGKILL" | "SIGTERM" | "SIGINT" | "SIGQUIT"): Promise<void>;
  /** Freezes it: connections stay open, and nothing answers. */
  pause(): Promise<void>;
  /** Lets a frozen one go on. */
  resume(): Promise<void>;
  /** Ends it in good order; one that is frozen too. */
  stop(): Promise<void>;
  /** Ends it in good order when it runs, starts it on its data and its port, and waits until it can be used. @throws ServerError */
  restart(): Promise<void>;
}

/** @throws ServerError when it was never started in the folder */
export function serverHandle(folder: Folder, name: KindName): Server {
  const { engine } = folder;
  const now = (): ServerState => {
    const server = serverState(folder, name);
    if (server === null) throw new ServerError(`${name} was never started in ${folder.dir}`);
    return server;
  };
  const place = placeOf(folder, name, now().ports);
  return {
    name,
    url: KINDS[name].url(place),
    rootUrl: name === "mysql" ? rootUrl(place) : null,
    get pid() {
      const id = now().process;
      return id && isAlive(id) ? id.pid : null;
    },
    isRunning: async () => engine.isRunning(name, now()),

    async kill(signal = "SIGKILL") {
      const server = now();
      await engine.signal(name, server, signal);
      const end = performance.now() + END_TIMEOUT_MS;
      while (await engine.isRunning(name, server)) {
        if (performance.now() > end) throw new ServerError(`${name} runs still, ${END_TIMEOUT_MS / 1_000} s after ${signal}`);
        await delay(POLL_MS);
      }
    },

    pause: async () => engine.signal(name, now(), "SIGSTOP"),
    resume: async () => engine.signal(name, now(), "SIGCONT"),
    stop: async () => engine.stop(name, now()),
    restart: () => withLock(folder.dir, () => restart(folder, name, place.ports)),
  };
}

async function restart(folder: Folder, name: KindName, ports: Place["ports"]): Promise<void> {
  const { engine } = folder;
  const server = serverState(folder, name);
  if (server) await engine.stop(name, server);
  const areFree = await Promise.all(ports.map(isFree));
  if (!areFree.every(Boolean)) throw new ServerError(`${name} cannot come back: somebody else took its port`);
  const programs = await engine.acquire([KINDS[name]], { install: false, report: () => undefined });
  const program = programs.get(name);
  if (program === undefined || program instanceof ServerError) throw program ?? new ServerError(`${name} is not to be had`);
  await launch(folder, KINDS[name], program, ports);
}
