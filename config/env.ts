import { SETTING_KEYS, assign, completeConfig, unknownName } from "./build-config.ts";
import type { Config } from "./config.ts";
import { SETTINGS } from "./settings.ts";

export { buildConfig } from "./build-config.ts";
export { ConfigError } from "./config-error.ts";

/**
 * The configuration of this node from the variables `IM_…` (`docs/configuration.md`), the only place where the environment
 * is read. An empty variable counts as not set; an unknown one that begins with `IM_` is refused. Embedded makes its data
 * folder, and a secret in it when none is given.
 * @throws ConfigError with every problem found
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const names = SETTING_KEYS.map((key) => SETTINGS[key].name as string);
  const given = Object.keys(env).filter((name) => name.startsWith("IM_"));
  const problems = given.filter((name) => !names.includes(name)).map((name) => unknownName(name, names));
  const values: Partial<Config> = {};
  for (const key of SETTING_KEYS) {
    const { name, format } = SETTINGS[key];
    const text = env[name]?.trim() ?? "";
    if (text !== "") assign(values, key, format.fromText(text), format, name, problems);
  }
  return completeConfig(values, problems, (key) => SETTINGS[key].name);
}

/** The environment of another program that this one starts: without the settings of this one. */
export function environmentOfOthers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("IM_")));
}

/** Sets variables that are not set; for a program that is about to start a node. */
export function presetEnvironment(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) process.env[name] ??= value;
}

/** What the environment says of the profile, unchecked; undefined when it says nothing. */
export const profileOfEnvironment = (): string | undefined => process.env["IM_PROFILE"];
