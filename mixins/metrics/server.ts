import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import { HEADERS_TIMEOUT_MS, MAX_HEADER_BYTES, RECEIVE_TIMEOUT_MS } from "../../config/http-limits.ts";
import { answerProbe } from "../health/index.ts";
import { listen } from "../http/listen.ts";
import type { MetricRegistry } from "./registry.ts";

/** Serves `GET /metrics` and the probes on the metrics port and nothing else. */
export async function serveMetrics(broker: ServiceBroker, registry: MetricRegistry, config: Config): Promise<Server> {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: RECEIVE_TIMEOUT_MS },
    (req, res) => {
      if (!answerProbe(broker, req, res)) void answer(registry, req, res);
    },
  );
  await listen(server, { host: config.host, port: config.metricsPort, portName: "IM_METRICS_PORT" });
  return server;
}

async function answer(registry: MetricRegistry, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== "GET" || req.url?.split("?", 1)[0] !== "/metrics") {
    res.writeHead(404).end();
    return;
  }
  try {
    const text = await registry.text();
    res.writeHead(200, { "Content-Type": registry.contentType, "Cache-Control": "no-store" }).end(text);
  } catch {
    res.writeHead(500).end();
  }
}

export function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
