import type { ServiceBroker } from "moleculer";

/** The nodes that run this service and are reachable now, this one among them. */
export function nodesOf(broker: ServiceBroker, service: string): string[] {
  const services = broker.registry.getServiceList({ onlyAvailable: true }) as { name: string; nodeID: string }[];
  return services.filter(({ name }) => name === service).map(({ nodeID }) => nodeID);
}
