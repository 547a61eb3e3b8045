import type { Server } from "node:http";
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { DRAIN, onDrain } from "../drain.ts";
import { sharedPerBroker } from "../shared.ts";
import { HttpHost } from "./host.ts";

export type { HttpHost, HttpMount } from "./host.ts";

const givenServers = new WeakMap<ServiceBroker, Server>();

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
    return host;
  },
  (host) => host.close(),
);

/** What `withHttp()` puts on `this`. */
export interface HttpVars {
  readonly http: HttpHost;
}

/** Gives a service the node's HTTP server as `this.http`, listening from before its `started()` until after its `stopped()`. */
export function withHttp(): Partial<ServiceSchema> {
  return {
    async started(this: Service & { http?: HttpHost }) {
      this.http = await sharedHttp.acquire(this.broker);
    },
    async stopped(this: Service & { http?: HttpHost }) {
      if (!this.http) return;
      delete this.http;
      await sharedHttp.release(this.broker);
    },
  };
}
