import type { BrokerOptions, Middleware, ServiceBroker } from "moleculer";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config/config.ts";
import { loadConfig } from "./config/env.ts";
import { REQUEST_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS } from "./config/limits.ts";
import { ContractValidator } from "./lib/contract-validator.ts";
import { busOf } from "./mixins/bus/index.ts";
import { drain } from "./mixins/drain.ts";
import { holdNeededServices } from "./mixins/health/needed-services.ts";
import { holdMetrics } from "./mixins/metrics/index.ts";
import { bindConfig } from "./mixins/shared.ts";
import { traceNode } from "./mixins/tracing/index.ts";
import { replOptions } from "./repl/commands.ts";
import { actionLog } from "./runtime/action-log.ts";
import { runOnly } from "./runtime/chosen-services.ts";
import { holdDataFolder } from "./runtime/data-folder.ts";
import { stdoutWriter, type LogWriter } from "./runtime/log-writers.ts";
import { NodeLogger } from "./runtime/node-logger.ts";
import { endWith, runAsProcess } from "./runtime/run-as-process.ts";
import { endStarts } from "./runtime/starts.ts";

/**
 * Broker options of a node. The configuration is bound to the broker before any service is created.
 * @throws ConfigError when `config.services` names one that does not exist
 */
export function brokerOptions(config: Config, writeLog: LogWriter = stdoutWriter()): BrokerOptions {
  const node: Middleware = {
    name: "node",
    created: (broker: ServiceBroker) => bindConfig(broker, config),
    stopping: (broker: ServiceBroker) => drain(broker, SHUTDOWN_TIMEOUT_MS),
  };
  const bus = busOf(config);
  return {
    ...bus.options,
    nodeID: config.nodeId,
    namespace: "im",
    logLevel: config.logLevel,
    logger: new NodeLogger(config.logLevel, writeLog),
    validator: new ContractValidator(),
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxCallLevel: 20,
    contextParamsCloning: false,
    dependencyInterval: 50,
    // Embedded: a cycle must show. Cluster: the others may come later.
    dependencyTimeout: config.profile === "embedded" ? 10_000 : 0,
    skipProcessEventRegistration: true,
    replOptions,
    middlewares: [
      node,
      endStarts(),
      holdMetrics(),
      holdNeededServices(config),
      ...traceNode(config),
      ...bus.middlewares,
      runOnly(config.services),
      ...(["debug", "trace"].includes(config.logLevel) ? [actionLog] : []),
    ],
  };
}

/** What `moleculer-runner` starts a node with: alone in its process and in its data folder. */
export default (): BrokerOptions => {
  try {
    const config = loadConfig();
    const options = brokerOptions(config);
    return { ...options, middlewares: [...(options.middlewares ?? []), holdDataFolder(config), runAsProcess(config)] };
  } catch (error) {
    if (error instanceof ConfigError) return endWith(...error.problems);
    throw error;
  }
};
