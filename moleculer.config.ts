import type { BrokerOptions, ServiceBroker } from "moleculer";
import type { Config } from "./config/config.ts";
import { loadConfig } from "./config/env.ts";
import { REQUEST_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS } from "./config/limits.ts";
import { ContractValidator } from "./lib/contract-validator.ts";
import { drain } from "./mixins/drain.ts";
import { bindConfig } from "./mixins/shared.ts";

/** Broker options of a node. The configuration is bound to the broker before any service is created. */
export function brokerOptions(config: Config): BrokerOptions {
  return {
    nodeID: config.nodeId,
    namespace: "im",
    logLevel: config.logLevel,
    validator: new ContractValidator(),
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxCallLevel: 20,
    contextParamsCloning: false,
    dependencyInterval: 50,
    // Embedded: a cycle must show. Cluster: the others may come later.
    dependencyTimeout: config.profile === "embedded" ? 10_000 : 0,
    skipProcessEventRegistration: false,
    middlewares: [
      {
        created: (broker: ServiceBroker) => bindConfig(broker, config),
        stopping: (broker: ServiceBroker) => drain(broker, SHUTDOWN_TIMEOUT_MS),
      },
    ],
  };
}

/** What `moleculer-runner` starts a node with. */
export default (): BrokerOptions => brokerOptions(loadConfig());
