import { Counter, Gauge, Histogram, Registry } from "prom-client";
import {
  METRICS,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelArgs,
  type MetricDef,
  type MetricName,
} from "../../config/metrics.ts";
import { registerProcessMetrics } from "./process-metrics.ts";

/** What services count and measure with. None of it ever throws for a declared metric; labels are bounded sets, never ids. */
export interface Metrics {
  increment<N extends CounterName>(name: N, by?: number, ...labels: LabelArgs<N>): void;
  observe<N extends HistogramName>(name: N, value: number, ...labels: LabelArgs<N>): void;
  /**
   * Reads the value at each scrape; one that cannot be read is left out of it. A new reader replaces the one before.
   * @returns takes the reader out again
   */
  gauge(name: GaugeName, read: () => number | Promise<number>): () => void;
}

/** Longer than a store needs, shorter than Prometheus waits. */
const GAUGE_TIMEOUT_MS = 2_000;

/** The metrics of one node, and their text for Prometheus. */
export class MetricRegistry implements Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<MetricName, Counter>();
  readonly #histograms = new Map<MetricName, Histogram>();
  readonly #gauges = new Map<GaugeName, () => number | Promise<number>>();
  readonly #stopProcessMetrics: () => void;

  constructor(defaultLabels: Record<string, string> = {}) {
    this.#registry.setDefaultLabels(defaultLabels);
    for (const [name, def] of Object.entries(METRICS) as [MetricName, MetricDef][]) this.#register(name, def);
    this.#stopProcessMetrics = registerProcessMetrics(this.#registry);
  }

  increment<N extends CounterName>(name: N, by = 1, ...[labels]: LabelArgs<N>): void {
    const counter = this.#counters.get(name);
    if (labels) counter?.inc(labels, by);
    else counter?.inc(by);
  }

  observe<N extends HistogramName>(name: N, value: number, ...[labels]: LabelArgs<N>): void {
    const histogram = this.#histograms.get(name);
    if (labels) histogram?.observe(labels, value);
    else histogram?.observe(value);
  }

  gauge(name: GaugeName, read: () => number | Promise<number>): () => void {
    this.#gauges.set(name, read);
    return () => {
      if (this.#gauges.get(name) === read) this.#gauges.delete(name);
    };
  }

  readonly contentType = this.#registry.contentType;

  /** All values in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#stopProcessMetrics();
    this.#registry.clear();
  }

  #register(name: MetricName, { type, help, labels, buckets }: MetricDef): void {
    const options = { name, help, labelNames: labels, registers: [this.#registry] };
    if (type === "counter") this.#counters.set(name, new Counter(options));
    else if (type === "histogram") this.#histograms.set(name, new Histogram({ ...options, buckets: [...(buckets ?? [])] }));
    else {
      const read = () => this.#read(name as GaugeName);
      new Gauge({
        ...options,
        async collect() {
          const value = await read();
          if (value === null) this.remove();
          else this.set(value);
        },
      });
    }
  }

  async #read(name: GaugeName): Promise<number | null> {
    const read = this.#gauges.get(name);
    if (!read) return null;
    const timeout = new Promise<null>((resolve) => setTimeout(resolve, GAUGE_TIMEOUT_MS, null).unref());
    try {
      return await Promise.race([Promise.resolve(read()), timeout]);
    } catch {
      return null;
    }
  }
}
