import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../config/config.ts";
import { registerProbe } from "./health/index.ts";
import { untilReached } from "./reach.ts";

const configs = new WeakMap<ServiceBroker, Config>();

/** Tells every mixin and service of this broker what the node is configured with. Call it before services are made. */
export function bindConfig(broker: ServiceBroker, config: Config): void {
  configs.set(broker, config);
}

/** @throws when no configuration was bound to the broker */
export function configOf(broker: ServiceBroker): Config {
  const config = configs.get(broker);
  if (!config)
    throw new Error(`The broker of node "${broker.nodeID}" has no configuration: call bindConfig(broker, config) first`);
  return config;
}

/** A resource of which each broker has one, however many services use it. */
export interface Shared<T> {
  /** Opens it for the first user; the others wait for the same opening. A failed opening is not remembered. */
  acquire(broker: ServiceBroker): Promise<T>;
  /** Call once for each `acquire` that resolved. The last user's call closes it and resolves when it is closed. */
  release(broker: ServiceBroker): Promise<void>;
}

interface Share<T> {
  readonly opened: Promise<T>;
  users: number;
}

/** Makes the node's readiness depend on the resource, from its first `acquire` on. */
export interface Probe<T> {
  /** How `GET /health/ready` names it. */
  readonly part: string;
  ping(resource: T): Promise<unknown>;
  /** It is a server elsewhere: opening it is tried until it can be reached. */
  isRemote?(config: Config): boolean;
}

/** After the last release it can be opened again; that waits until the closing is done. */
export function sharedPerBroker<T>(
  open: (broker: ServiceBroker, config: Config) => Promise<T>,
  close: (resource: T, broker: ServiceBroker) => Promise<void>,
  probe?: Probe<T>,
): Shared<T> {
  const shares = new WeakMap<ServiceBroker, Share<T>>();
  const probes = new WeakMap<ServiceBroker, () => void>();
  const closings = new WeakMap<ServiceBroker, Promise<void>>();

  const opening = async (broker: ServiceBroker): Promise<T> => {
    await closings.get(broker)?.catch(() => undefined); // whoever released it was told
    const config = configOf(broker);
    if (probe?.isRemote?.(config)) return untilReached(broker, probe.part, () => open(broker, config));
    return open(broker, config);
  };
  const watch = (broker: ServiceBroker, { opened }: Share<T>): void => {
    if (probe)
      probes.set(
        broker,
        registerProbe(broker, probe.part, async () => probe.ping(await opened)),
      );
  };

  return {
    async acquire(broker) {
      let share = shares.get(broker);
      if (!share) {
        shares.set(broker, (share = { opened: opening(broker), users: 0 }));
        watch(broker, share);
      }
      share.users++;
      try {
        return await share.opened;
      } catch (error) {
        if (shares.get(broker) === share) shares.delete(broker);
        throw error;
      }
    },
    async release(broker) {
      const share = shares.get(broker);
      if (!share || --share.users > 0) return;
      shares.delete(broker);
      probes.get(broker)?.();
      const closing = share.opened.then((resource) => close(resource, broker));
      closings.set(broker, closing);
      await closing;
    },
  };
}

/**
 * A mixin that gives a service a part of the node's shared resource as `this[name]`, from before its own `started()` until
 * after its own `stopped()`. Several mixins of one service may bring the same.
 */
export function mixinOf<T>(
  name: string,
  shared: Shared<T>,
  pick: (resource: T) => unknown = (resource) => resource,
): Partial<ServiceSchema> {
  type Holder = Service & Record<string, unknown>;
  return {
    async started(this: Service) {
      const holder = this as Holder;
      if (holder[name] === undefined) holder[name] = pick(await shared.acquire(this.broker));
    },
    async stopped(this: Service) {
      const holder = this as Holder;
      if (holder[name] === undefined) return;
      delete holder[name];
      await shared.release(this.broker);
    },
  };
}
