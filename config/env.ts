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
