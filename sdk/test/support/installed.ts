import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";
import { withBuildLock } from "../../../scripts/web-client/build-lock.ts";
import { ROOT } from "../../../test/support/server-process.ts";

export const SDK = path.join(ROOT, "sdk");
const run = promisify(execFile);

/** The oldest Node that the package promises, where the machine has it. */
export const oldestNode = ["/usr/bin/node", "/usr/local/bin/node"].find((file) => existsSync(file)) ?? process.execPath;

/** Puts the package into the `node_modules` of a folder as an installation would, built from the sources as they are. */
export async function installBuilt(folder: string): Promise<string> {
  const installed = path.join(folder, "node_modules/@moleculer-im/client");
  await mkdir(installed, { recursive: true });
  await cp(await built(), path.join(installed, "dist"), { recursive: true });
  await cp(path.join(SDK, "bin"), path.join(installed, "bin"), { recursive: true });
  await copyFile(path.join(SDK, "package.json"), path.join(installed, "package.json"));
  await linkDependencies(folder);
  return installed;
}

/** Built by the first file of a run that needs it. */
async function built(): Promise<string> {
  const dist = path.join(inject("workFolder"), "dist");
  return withBuildLock(
    `${dist}.lock`,
    () => undefined,
    async () => {
      if (!existsSync(dist)) await run(process.execPath, [path.join(ROOT, "scripts/build-sdk.ts"), "--out", dist], { cwd: ROOT });
      return dist;
    },
  );
}

/** Packs the package as it would be published, and unpacks it as an installation would. */
export async function installPacked(folder: string): Promise<string> {
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: SDK });
  const installed = path.join(folder, "node_modules/@moleculer-im/client");
  await mkdir(installed, { recursive: true });
  const archive = path.join(folder, stdout.trim().split("\n").at(-1) ?? "");
  await run("tar", ["-xzf", archive, "--strip-components", "1", "-C", installed]);
  await linkDependencies(folder);
  return installed;
}

/** All that it depends on. */
async function linkDependencies(folder: string): Promise<void> {
  const name = "socket.io-client";
  await symlink(path.join(ROOT, "node_modules", name), path.join(folder, "node_modules", name));
}

/** Compiles what a folder's tsconfig.json names. @throws Error with what the compiler says */
export async function compile(folder: string, ...args: readonly string[]): Promise<void> {
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", folder, ...args], { cwd: folder }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout || String(error));
  });
}
