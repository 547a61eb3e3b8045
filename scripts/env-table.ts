import { writeFileSync } from "node:fs";
import { SETTING_KEYS } from "../config/build-config.ts";
import type { Config } from "../config/config.ts";
import { SETTINGS } from "../config/settings.ts";
import type { Setting } from "../config/settings.ts";

const TARGET = new URL("../docs/configuration.md", import.meta.url);

const HEAD = `# Configuration

Made from \`config/settings.ts\` by \`npm run docs:env\`; do not edit by hand.

All settings are environment variables. They are checked together at the start: each problem is one line, and nothing runs
until all are right. An empty variable counts as not set; an unknown one that begins with \`IM_\` is refused. A connection
that is set selects that server in the embedded profile too.

| variable | default | allowed | meaning |
|---|---|---|---|
`;

function row(key: keyof Config): string {
  const setting: Setting<Config[keyof Config]> = SETTINGS[key];
  const { name, format, unit, meaning, isRequiredInCluster = false } = setting;
  const initial = setting.initialText ?? literal(setting.initial());
  const allowed = unit === undefined ? format.allowed : `${format.allowed} (${unit})`;
  const cells = [`\`${name}\``, initial, allowed, isRequiredInCluster ? `${meaning}. Required in the cluster` : meaning];
  return `| ${cells.join(" | ")} |`;
}

/** A default as one would write it in the environment. */
function literal(value: Config[keyof Config]): string {
  if (value === null || typeof value === "object") return "not set";
  if (typeof value === "boolean") return value ? "`on`" : "`off`";
  return `\`${value}\``;
}

/** The text of `docs/configuration.md`. */
export function renderConfiguration(): string {
  return `${HEAD}${SETTING_KEYS.map(row).join("\n")}\n`;
}

if (import.meta.main) writeFileSync(TARGET, renderConfiguration());
