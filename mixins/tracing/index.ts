import type { CallingOptions, Context, Middleware, ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import type { Meta } from "../../contracts/meta.ts";
import type { Database } from "../database/port.ts";
import { noTracing, type Tracing } from "./tracing.ts";

export type { Tracing } from "./tracing.ts";

const tracings = new WeakMap<ServiceBroker, Tracing>();

/** The traces of this node; where none is configured, work runs as it is. */
export const tracingOf = (broker: ServiceBroker): Tracing => tracings.get(broker) ?? noTracing;

/**
 * Traces of requests through sockets, actions on all nodes, the message log and SQL, sent by OTLP where `otlpUrl` is set
 * (J5). Each action is a span; its `traceparent` travels in the call's meta. Nothing is loaded where none is configured.
 */
export function traceNode({ otlpUrl, otlpSampleRatio, nodeId }: Config): Middleware[] {
  if (otlpUrl === null) return [];
  let close: () => Promise<void> = () => Promise.resolve();
  const middleware = {
    name: "tracing",
    async starting(broker: ServiceBroker) {
      const { OtlpTracing } = await import("./otlp.ts");
      const tracing = new OtlpTracing({ url: otlpUrl, sampleRatio: otlpSampleRatio, nodeId });
      tracings.set(broker, tracing);
      close = () => tracing.close();
    },
    async stopped() {
      await close();
    },
    localAction(next: (ctx: Context<unknown, Meta>) => Promise<unknown>, { name }: { name: string }) {
      return (ctx: Context<unknown, Meta>): Promise<unknown> =>
        tracingOf(ctx.broker).span(name, { role: "internal", parent: ctx.meta.traceparent }, () => Promise.resolve(next(ctx)));
    },
    call(next: (name: string, params: unknown, options: CallingOptions) => unknown) {
      return function (this: ServiceBroker, name: string, params: unknown, options: CallingOptions = {}): unknown {
        const traceparent = tracingOf(this).traceparent();
        return traceparent === undefined
          ? next(name, params, options)
          : next(name, params, { ...options, meta: { ...options.meta, traceparent } });
      };
    },
  };
  return [middleware as unknown as Middleware];
}

const TRACED = new Set<keyof Database>(["select", "execute", "insertRows", "bulkInsert", "transaction"]);
const MAX_STATEMENT = 1_000;

/** Each statement of a traced request is a span with its text, never its values. Polling in the background is not traced. */
export function traceDatabase(db: Database, broker: ServiceBroker): Database {
  const span = (method: string, subject: unknown, work: () => Promise<unknown>): Promise<unknown> => {
    const attributes: Record<string, string> = { "db.system.name": db.dialect };
    if (typeof subject === "string") attributes["db.query.text"] = subject.slice(0, MAX_STATEMENT);
    return tracingOf(broker).span(`sql ${method}`, { role: "client", attributes }, work);
  };
  return new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (!TRACED.has(name as keyof Database)) return method;
      return (...args: unknown[]) =>
        tracingOf(broker).traceparent() === undefined ? method(...args) : span(String(name), args[0], () => method(...args));
    },
  });
}
