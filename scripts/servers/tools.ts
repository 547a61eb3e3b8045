import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommand, runCommand } from "./commands.ts";
import { canInstall, installPackages } from "./install.ts";

/** What tests need on the machine besides servers, with the Debian packages of each. */
interface ToolKind {
  readonly packages: readonly string[];
  /** Its path, or another sign of it; null when it is not there. */
  readonly find: () => Promise<string | null>;
}

const command = (...names: string[]): Pick<ToolKind, "find"> => ({ find: () => findCommand(...names) });

const KINDS = {
  nginx: { packages: ["nginx"], ...command("nginx") },
  promtool: { packages: ["prometheus"], ...command("promtool") },
  chromium: { packages: ["chromium"], ...command("chromium", "chromium-browser", "google-chrome") },
  /** Chinese and emoji, which a browser shows as boxes without. */
  fonts: { packages: ["fontconfig", "fonts-noto-cjk", "fonts-noto-color-emoji"], find: findFonts },
} as const satisfies Record<string, ToolKind>;

export type ToolName = keyof typeof KINDS;

/** Programs that check the files of a deployment. */
export const DEPLOYMENT_TOOLS = ["nginx", "promtool"] as const satisfies readonly ToolName[];
/** What a browser needs to show the web client. */
export const BROWSER_TOOLS = ["chromium", "fonts"] as const satisfies readonly ToolName[];

async function findFonts(): Promise<string | null> {
  try {
    const asked = [":lang=zh", ":lang=und-zsye"].map((pattern) => runCommand("fc-list", [pattern, "file"]));
    const [chinese = "", emoji = ""] = await Promise.all(asked);
    return chinese !== "" && emoji !== "" ? chinese : null;
  } catch {
    return null;
  }
}

/** Its path, or null. */
export async function findTool(name: ToolName): Promise<string | null> {
  return KINDS[name].find();
}

/** What to do about a missing one, in a line. */
export function adviceForTool(name: ToolName): string {
  const packages = KINDS[name].packages.join(", ");
  return name === "fonts"
    ? `install fonts for Chinese and emoji (Debian: ${packages})`
    : `put ${name} on PATH (Debian: ${packages})`;
}

/** Installs those that are missing where packages can be installed; says what cannot be had, and why. Never throws. */
export async function fetchTools(names: readonly ToolName[], report: (line: string) => void): Promise<void> {
  const found = await Promise.all(names.map(findTool));
  const missing = names.filter((_name, index) => found[index] === null);
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
      names.flatMap((name) => KINDS[name].packages),
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
