/** How a span stands to others: of a request from outside, inside the node, sent to the log, taken from it. */
export type SpanRole = "server" | "internal" | "client" | "consumer";

export interface SpanOptions {
  readonly role: SpanRole;
  /** Bounded values, never what people wrote. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Its parent as a W3C `traceparent`, where nothing that runs is it. */
  readonly parent?: string | undefined;
  /** `traceparent`s of what it works for and is no child of. */
  readonly links?: readonly string[];
}

/** Traces of one node. Where none is configured, work runs as it is. */
export interface Tracing {
  readonly isOn: boolean;
  /** Runs the work in a span, a child of the one that runs. An error is noted and thrown on. */
  span<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T>;
  /** Of the span that runs, when it is sampled; what another node, or a record, takes along. */
  traceparent(): string | undefined;
}

export const noTracing: Tracing = { isOn: false, span: (_name, _options, work) => work(), traceparent: () => undefined };
