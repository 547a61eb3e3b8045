import type { Server } from "node:http";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { DRAIN, onDrain } from "../drain.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { HttpHost } from "./host.ts";

export type { HttpHost, HttpMount } from "./host.ts";

const givenServers = new WeakMap<ServiceBroker, Server>();
const openHosts = new WeakMap<ServiceBroker, HttpHost>();

/**
 * Uses a server of someone else's: it is neither told to listen nor closed. Call it before the broker starts, and give the
 * server its own request handler before that: it keeps all paths that are not ours.
 */
export function provideHttpServer(broker: ServiceBroker, server: Server): void {
  givenServers.set(broker, server);
}

/**
 * The node's one HTTP server. Its first user makes it listen, the last one closes it. A node that stops takes no new request
 * and answers the running ones while all services still work.
 */
export const sharedHttp = sharedPerBroker<HttpHost>(
  async (broker, config) => {
    const host = await HttpHost.open(broker, config, givenServers.get(broker) ?? null);
    onDrain(broker, DRAIN.intake, () => host.drain());
    openHosts.set(broker, host);
    return host;
  },
  (host, broker) => {
    openHosts.delete(broker);
    return host.close();
  },
);

/** Where a node's server listens; null while no service uses it. */
export function httpAddress(broker: ServiceBroker): { host: string; port: number } | null {
  return openHosts.get(broker)?.address() ?? null;
}

/** What `withHttp()` puts on `this`. */
export interface HttpVars {
  readonly http: HttpHost;
}

/** Gives a service the node's HTTP server as `this.http`, listening from before its `started()` until after its `stopped()`. */
export function withHttp(): Partial<ServiceSchema> {
  return mixinOf("http", sharedHttp);
}
