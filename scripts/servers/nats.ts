import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { NatsConnection } from "nats";
import { findCommand, runCommand, versionIn } from "./commands.ts";
import { portOf } from "./kind.ts";
import type { Place, ServerKind } from "./kind.ts";

const PROBE_TIMEOUT_MS = 2_000;

const storeFolder = ({ folder }: Place): string => join(folder, "jetstream");

/** Bus and event stream: one node with JetStream. */
export const nats: ServerKind = {
  name: "nats",
  setting: "IM_NATS_URL",
  portCount: 1,
  advice: "put nats-server on PATH (Debian and Homebrew: nats-server)",

  async find() {
    const file = await findCommand("nats-server");
    if (file === null) return null;
    return { file, version: `NATS ${versionIn(await runCommand(file, ["--version"]))}`, from: file };
  },

  async missingPackages() {
    return (await findCommand("nats-server")) === null ? ["nats-server"] : [];
  },

  async prepare(_program, place) {
    await mkdir(storeFolder(place), { recursive: true, mode: 0o700 });
  },

  args: (_program, place) => ["-a", "127.0.0.1", "-p", String(portOf(place)), "-js", "-sd", storeFolder(place)],

  url: (place) => `nats://127.0.0.1:${portOf(place)}`,

  async isReady(place) {
    const { connect } = await import("nats");
    let client: NatsConnection | undefined;
    try {
      client = await connect({ servers: `127.0.0.1:${portOf(place)}`, timeout: PROBE_TIMEOUT_MS, reconnect: false });
      await (await client.jetstreamManager({ timeout: PROBE_TIMEOUT_MS })).getAccountInfo();
      return true;
    } catch {
      return false;
    } finally {
      await client?.close();
    }
  },
};
