import type { ServiceBroker } from "moleculer";

const CHANGES = ["$node.connected", "$node.updated", "$services.changed"];

/**
 * Whether any other gateway was ever heard of. One that cannot be reached now counts: the bus may be away where Redis, which joins
 * the gateways, is not. A node is forgotten when it is gone for ten minutes.
 */
export class OtherGateways {
  readonly #broker: ServiceBroker;
  readonly #look = (): void => void (this.#exist = this.#find());
  #exist: boolean;

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
    this.#exist = this.#find();
    for (const change of CHANGES) broker.localBus.on(change, this.#look);
  }

  exist(): boolean {
    return this.#exist;
  }

  close(): void {
    for (const change of CHANGES) this.#broker.localBus.off(change, this.#look);
  }

  #find(): boolean {
    const { registry, nodeID } = this.#broker;
    const nodes = registry.getNodeList({ onlyAvailable: false, withServices: true });
    return nodes.some(({ id, services = [] }) => id !== nodeID && services.some((service) => service["name"] === "socket"));
  }
}
