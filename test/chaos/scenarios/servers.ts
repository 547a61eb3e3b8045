import type { FaultyServer, FaultyServers } from "../environments/servers.ts";
import type { FaultEffects } from "../outages.ts";
import { outage, type Stage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

const on = "cluster";

/** What none of the four can be without. */
const effects: Readonly<Record<keyof FaultyServers, Partial<FaultEffects>>> = {
  redis: { stopsSending: true, stopsPersisting: true },
  kafka: { stopsSending: true, stopsPersisting: true },
  mysql: { stopsPersisting: true },
  nats: { stopsSending: true },
};

/** @throws where there are none */
export function serversOf({ env }: Stage): FaultyServers {
  if (env.servers === null) throw new Error(`${env.name} has no servers of its own`);
  return env.servers;
}

type Breaking = (server: FaultyServer) => { readonly begin: () => Promise<void>; readonly end: () => Promise<void> };
const killed: Breaking = (server) => ({ begin: () => server.kill(), end: () => server.restart() });
const frozen: Breaking = (server) => ({ begin: () => server.freeze(), end: () => server.thaw() });

const broken = (kind: keyof FaultyServers, how: string, breaking: Breaking, more: Partial<Scenario> = {}): Scenario => ({
  name: `${kind} ${how}`,
  on,
  faults: (stage) => outage(stage, { name: `${kind} is ${how}`, ...effects[kind], ...breaking(serversOf(stage)[kind]) }),
  ...more,
});

const readOnly = (kind: "redis" | "mysql"): Scenario => ({
  name: `${kind} read-only`,
  on,
  async faults(stage) {
    const server = serversOf(stage)[kind];
    const [begin, end] = [() => server.readOnly(true), () => server.readOnly(false)];
    await outage(stage, { name: `${kind} is read-only`, ...effects[kind], begin, end });
  },
});

const redisWiped: Scenario = {
  name: "redis wiped",
  on,
  isShort: true,
  async faults(stage) {
    const begin = (): Promise<void> => serversOf(stage).redis.wipe();
    await outage(stage, { name: "redis is wiped", stopsPersisting: true, lastsMs: 0, begin, end: () => undefined });
  },
};

export const serverScenarios: readonly Scenario[] = [
  broken("redis", "killed", killed),
  redisWiped,
  broken("redis", "frozen", frozen),
  readOnly("redis"),
  broken("kafka", "killed", killed, { isShort: true }),
  broken("kafka", "frozen", frozen),
  broken("mysql", "killed", killed, { isShort: true }),
  broken("mysql", "frozen", frozen),
  readOnly("mysql"),
  broken("nats", "killed", killed),
  broken("nats", "frozen", frozen),
];
