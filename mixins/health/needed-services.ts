import type { Middleware, ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import { routes } from "../../contracts/routes.ts";
import { clientEvents } from "../../contracts/socket-events.ts";
import { nodesOf } from "../../lib/nodes-of.ts";
import { registerProbe } from "./index.ts";

/** What sockets need to be let in. */
const FOR_CONNECTIONS = ["auth", "conversation", "presence"];

/** Services that answer clients, whichever node they come to. */
export const NEEDED_BY_GATEWAYS: readonly string[] = [
  ...new Set([
    ...routes.map(({ action }) => action),
    ...Object.values(clientEvents).flatMap(({ action }) => action ?? []),
    ...FOR_CONNECTIONS,
  ]),
]
  .map((action) => action.split(".")[0]!)
  .filter((service, i, all) => all.indexOf(service) === i);

/**
 * Makes a node of a cluster that serves clients ready only while each service that it calls for them runs somewhere; readiness
 * names those that are missing.
 */
export function holdNeededServices({ profile }: Config): Middleware {
  return {
    name: "needed-services",
    async starting(broker) {
      const isGateway = ["api", "socket"].some((name) => broker.getLocalService(name) != null);
      if (profile !== "cluster" || !isGateway) return;
      for (const service of NEEDED_BY_GATEWAYS) registerProbe(broker, service, () => checkRuns(broker, service));
    },
  };
}

async function checkRuns(broker: ServiceBroker, service: string): Promise<void> {
  if (nodesOf(broker, service).length === 0) throw new Error(`No node runs ${service}`);
}
