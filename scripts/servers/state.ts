import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { ServerError } from "./kind.ts";
import type { KindName, Secrets } from "./kind.ts";
import type { ProcessId } from "./processes.ts";

/** Decided at the first start of a folder, since neither reads the other's data. */
export type EngineName = "docker" | "process";

export interface ServerState {
  readonly ports: readonly [number, ...number[]];
  readonly version: string;
  readonly from: string;
  /** Null in a container. It says what was started last, not that it runs. */
  readonly process: ProcessId | null;
}

/** What a folder's servers are; the ports outlive a stop, so that the URLs stay. */
export interface State {
  readonly engine: EngineName;
  readonly secrets: Secrets;
  readonly servers: { readonly [name in KindName]?: ServerState };
}

const LOCK_RETRY_MS = 50;
const LOCK_TIMEOUT_MS = 600_000;
const SQLITE_BUSY = 5;

const stateFile = (dir: string): string => join(dir, "state.json");

/** Of a folder where nothing was ever started. */
export function newState(engine: EngineName): State {
  const password = (): string => randomBytes(18).toString("base64url");
  // Kafka's tool takes a dash in front for an option.
  const kafkaClusterId = randomBytes(16).toString("base64url").replace(/^-/, "A");
  return { engine, secrets: { password: password(), rootPassword: password(), kafkaClusterId }, servers: {} };
}

/** @throws ServerError when the file is not one of ours */
export function readState(dir: string): State | null {
  const file = stateFile(dir);
  if (!existsSync(file)) return null;
  const advice = `${file} cannot be read; use another folder with --dir, or move this one away`;
  try {
    const state: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (isState(state)) return state;
  } catch (error) {
    throw new ServerError(advice, { cause: error });
  }
  throw new ServerError(advice);
}

/** In one step, for this user's eyes only. */
export function writeState(dir: string, state: State): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const unfinished = `${stateFile(dir)}.unfinished`;
  writeFileSync(unfinished, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, stateFile(dir));
}

export function rememberServer(dir: string, name: KindName, server: ServerState): void {
  const state = readState(dir);
  if (state) writeState(dir, { ...state, servers: { ...state.servers, [name]: server } });
}

function isState(value: unknown): value is State {
  const { engine, secrets, servers } = (value ?? {}) as Partial<State>;
  if (engine !== "docker" && engine !== "process") return false;
  const texts = [secrets?.password, secrets?.rootPassword, secrets?.kafkaClusterId];
  return (
    texts.every((text) => typeof text === "string" && text !== "") && servers != null && Object.values(servers).every(isServer)
  );
}

function isServer({ ports, process }: ServerState): boolean {
  const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;
  // As the target of a signal, -1 would mean everybody.
  const isProcess = process === null || (Number.isInteger(process.pid) && process.pid > 1);
  return Array.isArray(ports) && ports.length > 0 && ports.every(isPort) && isProcess;
}

/**
 * Does `work` while nobody else, in this process or another, changes the folder's servers. The lock is the operating system's
 * and ends with its holder.
 * @param waiting told once when somebody else is at it
 * @throws ServerError when that takes longer than ten minutes
 */
export async function withLock<T>(dir: string, work: () => Promise<T>, waiting: () => void = () => undefined): Promise<T> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const end = performance.now() + LOCK_TIMEOUT_MS;
  let lock = tryLock(dir);
  if (lock === null) waiting();
  while (lock === null) {
    if (performance.now() > end) throw new ServerError(`another process is still at work on ${dir}`);
    await delay(LOCK_RETRY_MS);
    lock = tryLock(dir);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

function tryLock(dir: string): DatabaseSync | null {
  const lock = new DatabaseSync(join(dir, "lock"), { timeout: 0 });
  try {
    lock.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
}
