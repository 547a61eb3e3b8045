import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type SpanContext,
  type Tracer,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import type { SpanOptions, SpanRole, Tracing } from "./tracing.ts";

export interface OtlpOptions {
  /** Where spans are sent by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Share of the requests that are traced, 0 to 1. */
  readonly sampleRatio: number;
  readonly nodeId: string;
}

const SERVICE = "moleculer-im";
const EXPORT_TIMEOUT_MS = 2_000;
const EXPORT_EVERY_MS = 1_000;
const MAX_LINKS = 64;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const KINDS: Readonly<Record<SpanRole, SpanKind>> = {
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
};

/**
 * Traces sent by OTLP. A collector that is away costs spans and nothing else: they wait in a bounded queue and are dropped
 * beyond it. Several nodes of one process have a tracer each and share what follows asynchronous work.
 */
export class OtlpTracing implements Tracing {
  readonly isOn = true;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;

  constructor({ url, sampleRatio, nodeId }: OtlpOptions) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()); // a second one is refused, the first stays
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ "service.name": SERVICE, "service.instance.id": nodeId }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
      spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: EXPORT_EVERY_MS })],
    });
    this.#tracer = this.#provider.getTracer(SERVICE);
  }

  span<T>(name: string, { role, attributes = {}, parent, links = [] }: SpanOptions, work: () => Promise<T>): Promise<T> {
    const above = parentContext(parent);
    const options = { kind: KINDS[role], attributes, links: links.slice(0, MAX_LINKS).flatMap(linkOf) };
    const span = this.#tracer.startSpan(name, options, above);
    return context.with(trace.setSpan(above, span), async () => {
      try {
        return await work();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: (error as { type?: string }).type ?? "" });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  traceparent(): string | undefined {
    const running = trace.getActiveSpan()?.spanContext();
    if (!running || (running.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
    return `00-${running.traceId}-${running.spanId}-01`;
  }

  /** Sends what waits, as far as the collector takes it in time. */
  async close(): Promise<void> {
    await this.#provider.shutdown().catch(() => undefined);
  }
}

/** What runs is the parent, else what came along. */
function parentContext(traceparent: string | undefined): Context {
  const active = context.active();
  const remote = trace.getSpan(active) || traceparent === undefined ? null : spanContextOf(traceparent);
  return remote ? trace.setSpanContext(active, remote) : active;
}

const linkOf = (traceparent: string): { context: SpanContext }[] => {
  const found = spanContextOf(traceparent);
  return found ? [{ context: found }] : [];
};

function spanContextOf(traceparent: string): SpanContext | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
