import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { ConfigError } from "./config-error.ts";
import type { Config } from "./config.ts";
import type { Format } from "./formats.ts";
import { nearest } from "./nearest.ts";
import { loadOrCreateSecret } from "./secret.ts";
import { SETTINGS } from "./settings.ts";

const MAX_SHOWN_CHARACTERS = 100;

export const SETTING_KEYS = Object.keys(SETTINGS) as readonly (keyof Config)[];

/**
 * A configuration from values given in code, the environment left alone: defaults, then `overrides`. Cheap password hashes
 * (`bcryptRounds` from 4) are allowed here. Embedded makes its data folder, and a secret in it when none is given.
 * @throws ConfigError with every problem found
 */
export function buildConfig(overrides: Partial<Config> = {}): Config {
  const problems: string[] = [];
  const values: Partial<Config> = {};
  for (const [key, value] of Object.entries(overrides)) {
    if (!isKey(key)) problems.push(unknownName(key, SETTING_KEYS));
    else if (value !== undefined) assign(values, key, value, SETTINGS[key].codeFormat ?? SETTINGS[key].format, key, problems);
  }
  return completeConfig(values, problems, (key) => key);
}

/** Puts an accepted `value` into `values`, else adds a line to `problems`. */
export function assign(
  values: Partial<Config>,
  key: keyof Config,
  value: unknown,
  format: Format<unknown>,
  label: string,
  problems: string[],
): void {
  if (format.accepts(value)) Object.assign(values, { [key]: value });
  else problems.push(`${label}=${show(value, format)}: must be ${format.allowed}.`);
}

export function unknownName(name: string, known: readonly string[]): string {
  const suggestion = nearest(name, known);
  return suggestion === null ? `${name} is no setting.` : `${name} is no setting; did you mean ${suggestion}?`;
}

/**
 * Adds defaults, checks what concerns several settings, and freezes.
 * @param label how the caller calls a setting
 * @throws ConfigError with `problems` and those found here
 */
export function completeConfig(values: Partial<Config>, problems: string[], label: (key: keyof Config) => string): Config {
  const initial = Object.fromEntries(SETTING_KEYS.map((key) => [key, SETTINGS[key].initial()])) as unknown as Config;
  const config = { ...initial, ...values };
  config.dataDir = path.resolve(config.dataDir);
  if (config.port !== 0 && config.port === config.metricsPort) {
    problems.push(`${label("port")} and ${label("metricsPort")} are both ${config.port}: must differ.`);
  }
  if ((config.kafkaUsername === null) !== (config.kafkaPassword === null)) {
    problems.push(`${label("kafkaUsername")} and ${label("kafkaPassword")}: one is set without the other.`);
  }
  if (config.profile === "cluster") problems.push(...missingInCluster(config, label));
  else problems.push(...dataDirProblems(config.dataDir, label("dataDir")));
  if (problems.length > 0) throw new ConfigError(problems);
  if (config.jwtSecret === "") config.jwtSecret = loadOrCreateSecret(config.dataDir);
  for (const value of Object.values(config)) Object.freeze(value);
  return Object.freeze(config);
}

function missingInCluster(config: Config, label: (key: keyof Config) => string): string[] {
  const isMissing = (value: unknown): boolean => value === null || value === "" || (Array.isArray(value) && value.length === 0);
  return SETTING_KEYS.filter((key) => SETTINGS[key].isRequiredInCluster === true && isMissing(config[key])).map(
    (key) => `${label(key)} is not set: the cluster profile needs ${SETTINGS[key].format.allowed}.`,
  );
}

/** Step by step: Node's own recursive form never returns where a file system takes no folders, such as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function dataDirProblems(dataDir: string, label: string): string[] {
  try {
    makeFolder(dataDir);
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return [`${label}=${JSON.stringify(dataDir)}: must be a folder that can be written to (${code}).`];
  }
}

function show(value: unknown, format: Format<unknown>): string {
  const shown = format.show?.(value) ?? JSON.stringify(value) ?? String(value);
  return shown.length > MAX_SHOWN_CHARACTERS ? `${shown.slice(0, MAX_SHOWN_CHARACTERS)}…` : shown;
}

function isKey(name: string): name is keyof Config {
  return Object.hasOwn(SETTINGS, name);
}
