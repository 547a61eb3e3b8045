import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommand } from "./commands.ts";
import { canInstall, installPackages } from "./install.ts";

/** Programs that check the files of a deployment, with the Debian package of each. */
const PACKAGES = { nginx: "nginx", promtool: "prometheus" } as const;

export type ToolName = keyof typeof PACKAGES;
const TOOL_NAMES = Object.keys(PACKAGES) as readonly ToolName[];

/** Its path, or null. */
export async function findTool(name: ToolName): Promise<string | null> {
  return findCommand(name);
}

/** What to do about a missing one, in a line. */
export function adviceForTool(name: ToolName): string {
  return `put ${name} on PATH (Debian: ${PACKAGES[name]})`;
}

/** Installs those that are missing where packages can be installed; says what cannot be had, and why. Never throws. */
export async function fetchTools(report: (line: string) => void): Promise<void> {
  const found = await Promise.all(TOOL_NAMES.map(findTool));
  const missing = TOOL_NAMES.filter((_name, index) => found[index] === null);
  if (missing.length === 0) return;
  const why = await install(missing, report);
  for (const name of missing) {
    if ((await findTool(name)) === null) report(`Not to be had for the tests: ${name}: ${why}; ${adviceForTool(name)}`);
  }
}

/** Why it failed, or nothing. */
async function install(names: readonly ToolName[], report: (line: string) => void): Promise<string> {
  if (!(await canInstall())) return "not on this machine, and only root with apt-get installs packages";
  const logs = await mkdtemp(join(tmpdir(), "im-tools-"));
  try {
    await installPackages(
      names.map((name) => PACKAGES[name]),
      join(logs, "install.log"),
      report,
    );
    return "";
  } catch (error) {
    return (error as Error).message;
  } finally {
    await rm(logs, { recursive: true, force: true });
  }
}
