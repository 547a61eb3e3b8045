import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { CrowdOrder, CrowdResult } from "./crowd.ts";

/** Connections of several processes. */
export interface Crowd {
  readonly size: number;
  /** Processes of its own, without the server's. */
  readonly pids: readonly number[];
  /** Resolves when each connection has got the message of this number. */
  got(number: number): Promise<void>;
  /** Closes all connections. @returns what each process found */
  end(): Promise<CrowdResult[]>;
}

interface Listener {
  readonly pid: number;
  end(): Promise<CrowdResult>;
}

/** Opens connections, spread over `processes`; resolves when all are there. @throws when one is refused */
export async function gatherCrowd(order: CrowdOrder, processes: number): Promise<Crowd> {
  const share = Math.ceil(order.people.length / processes);
  const waiting = new Map<number, { left: number; resolve: () => void }>();
  const onDone = (number: number): void => {
    const one = waiting.get(number);
    if (!one || --one.left > 0) return;
    waiting.delete(number);
    one.resolve();
  };
  const shares = Array.from({ length: processes }, (_, i) => order.people.slice(i * share, (i + 1) * share)).filter(
    (people) => people.length > 0,
  );
  const listeners = await Promise.all(shares.map((people) => startListener({ ...order, people }, onDone)));
  return {
    size: order.people.length,
    pids: listeners.map(({ pid }) => pid),
    got: (number) => new Promise((resolve) => waiting.set(number, { left: listeners.length, resolve })),
    end: () => Promise.all(listeners.map((listener) => listener.end())),
  };
}

async function startListener(order: CrowdOrder, onDone: (number: number) => void): Promise<Listener> {
  const file = join(mkdtempSync(join(tmpdir(), "im-bench-")), "order.json");
  writeFileSync(file, JSON.stringify(order));
  const child = spawn(process.execPath, [join(import.meta.dirname, "crowd.ts"), file], { stdio: ["pipe", "pipe", "inherit"] });
  const { promise: connected, resolve, reject } = Promise.withResolvers<void>();
  const exited = once(child, "exit");
  void exited.then(() => reject(new Error("clients could not connect")));
  let last = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = line;
    if (line === "connected") resolve();
    else if (line.startsWith("done ")) onDone(Number(line.slice(5)));
  });
  await connected;
  return {
    pid: child.pid!,
    async end() {
      child.stdin.end();
      await exited;
      return JSON.parse(last) as CrowdResult;
    },
  };
}
