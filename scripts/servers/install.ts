import { writeFile } from "node:fs/promises";
import { findCommand, lastLines, runCommand } from "./commands.ts";

const INSTALL_TIMEOUT_MS = 600_000;

/**
 * Installs packages and starts none of their services, now or when the machine starts: Debian asks `policy-rc.d` before it
 * starts one, and 101 means no. One that is there already is somebody's decision and stays.
 */
const SCRIPT = `
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@" || exit 1
if [ -d /run/systemd/system ]; then
  for name; do systemctl --quiet disable "$name" 2> /dev/null; done
fi
exit 0
`;

/** Whether Debian packages can be installed: as root, with apt-get. */
export async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await findCommand("apt-get")) !== null;
}

/**
 * Installs packages in one go, since only one installation can run at a time.
 * @throws with the end of what apt-get said, when it fails
 */
export async function installPackages(
  packages: readonly string[],
  logFile: string,
  report: (line: string) => void,
): Promise<void> {
  if (packages.length === 0) return;
  report(`Installing the packages ${packages.join(", ")}; none of their services is started`);
  try {
    await writeFile(logFile, await runCommand("/bin/sh", ["-c", SCRIPT, "sh", ...packages], INSTALL_TIMEOUT_MS));
  } catch (error) {
    throw new Error(`apt-get could not install ${packages.join(", ")}: ${lastLines((error as Error).message, 4)}`, {
      cause: error,
    });
  }
}
