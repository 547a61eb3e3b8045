import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand, succeeds } from "./commands.ts";
import type { Engine } from "./engine.ts";
import { ServerError, portOf } from "./kind.ts";
import type { KindName, Place } from "./kind.ts";

const COMPOSE_FILE = join(import.meta.dirname, "../../deploy/servers.compose.yml");
const ANSWER_TIMEOUT_MS = 5_000;
const PULL_TIMEOUT_MS = 600_000;
const LOG_LINES = 12;
const POLL_MS = 100;

/** Whether a Docker engine with Compose answers. */
export async function isDockerThere(): Promise<boolean> {
  return (
    (await succeeds("docker", ["info"], ANSWER_TIMEOUT_MS)) &&
    (await succeeds("docker", ["compose", "version"], ANSWER_TIMEOUT_MS))
  );
}

/** Runs the servers of `deploy/servers.compose.yml`, with the data of each folder in volumes of its own. */
export function dockerEngine(dir: string): Engine {
  const project = `im-servers-${createHash("sha256").update(dir).digest("hex").slice(0, 12)}`;
  const ports = new Map<KindName, number>();
  const envFile = join(dir, "compose.env");

  const compose = (args: readonly string[], timeoutMs = 60_000): Promise<string> =>
    runCommand("docker", ["compose", "-p", project, "-f", COMPOSE_FILE, "--env-file", envFile, ...args], timeoutMs);

  /** Several at a time may do it, and Compose reads it meanwhile. */
  const writeSettings = async (by: KindName, { secrets }: Place): Promise<void> => {
    const values = [`MYSQL_ROOT_PASSWORD=${secrets.rootPassword}`, `KAFKA_CLUSTER_ID=${secrets.kafkaClusterId}`];
    for (const [name, port] of ports) values.push(`${name.toUpperCase()}_PORT=${port}`);
    await writeFile(`${envFile}.${by}`, `${values.join("\n")}\n`, { mode: 0o600 });
    await rename(`${envFile}.${by}`, envFile);
  };

  const isRunning = async (name: KindName): Promise<boolean> => {
    const names = await compose(["ps", "--status", "running", "--services"]).catch(() => "");
    return names.split("\n").includes(name);
  };

  return {
    name: "docker",

    async acquire(kinds, { report }) {
      const isThere = await isDockerThere();
      if (isThere) report("Docker runs the servers; a first start fetches their images");
      const advice = "its data is in Docker, which does not answer; start it or use another folder with --dir";
      return new Map(
        kinds.map(({ name }) => [
          name,
          isThere ? { file: "docker", version: `the image of ${name}`, from: "Docker" } : new ServerError(`${name}: ${advice}`),
        ]),
      );
    },

    async launch({ name }, _program, place) {
      ports.set(name, portOf(place));
      await writeSettings(name, place);
      await compose(["up", "--detach", "--no-deps", name], PULL_TIMEOUT_MS);
      return null;
    },

    isRunning,

    async signal(name, _server, signal) {
      if (await isRunning(name)) await compose(["kill", "--signal", signal, name]);
    },

    async stop(name) {
      if (!(await isRunning(name))) return;
      await compose(["kill", "--signal", "SIGCONT", name]);
      await compose(["stop", "--timeout", "20", name]);
      while (await isRunning(name)) await delay(POLL_MS);
    },

    lastLines: (name) => compose(["logs", "--no-log-prefix", "--tail", String(LOG_LINES), name]).catch(() => ""),

    async removeData() {
      await compose(["down", "--volumes"]);
    },
  };
}
