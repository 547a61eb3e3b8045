/** A metric of Prometheus. Names end in their unit; `_total` counts from the start of the process. */
export interface MetricDef {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Histograms: upper bounds, ascending. */
  readonly buckets?: readonly number[];
}

const counter = <const L extends readonly string[]>(help: string, ...labels: L) => ({ type: "counter", help, labels }) as const;
const gauge = <const L extends readonly string[]>(help: string, ...labels: L) => ({ type: "gauge", help, labels }) as const;
const histogram = <const L extends readonly string[]>(help: string, buckets: readonly number[], ...labels: L) =>
  ({ type: "histogram", help, buckets, labels }) as const;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** Every metric there is, beside those of the process (`mixins/metrics/process-metrics.ts`). */
export const METRICS = {
  im_messages_accepted_total: counter("Messages that got a seq"),
  im_messages_duplicate_total: counter("Sends that repeated a clientMsgId and got the first answer again"),
  im_messages_refused_total: counter("Sends that were refused, by the type of the error", "reason"),
  im_messages_logged_total: counter("Messages that the message log has taken"),
  im_messages_persisted_total: counter("Messages written to SQL"),
  im_messages_compensated_total: counter("Pending messages that the compensator brought to the log again"),
  im_messages_dead_total: counter("Messages that could never be written and were dead-lettered"),
  im_accept_batch_size: histogram("Sends that shared one round trip to the hot store", SIZES),
  im_persist_batch_size: histogram("Messages of one persister transaction", SIZES),
  im_persist_duration_seconds: histogram("Duration of one persister transaction", SECONDS),
  im_persist_lag_seconds: histogram("From acceptance to SQL, of the oldest message of each batch", SECONDS),
  im_send_duration_seconds: histogram("From a send to its answer", SECONDS),
  im_pending_messages: gauge("Messages accepted and not yet persisted"),
  im_pending_oldest_age_seconds: gauge("Age of the oldest message that is not yet persisted"),
  im_log_lag: gauge("Records of the message log that the persister has not handled"),
  im_outbox_lag: gauge("Domain events committed and not yet relayed"),
  im_outbox_oldest_age_seconds: gauge("Age of the oldest domain event that is not yet relayed"),
  im_change_log_entries: gauge("Changes of messages that are kept for clients that come back"),
  im_change_log_trimmed_total: counter("Changes of messages that this node removed as too old or too many"),
  im_scheduled_due: gauge("Scheduled messages whose time has come and that are not sent"),
  im_scheduled_oldest_due_age_seconds: gauge("Since when the first of them is due"),
  im_scheduled_sent_total: counter("Scheduled messages that were sent"),
  im_scheduled_failed_total: counter("Scheduled messages that were refused at their time, by the type of the error", "reason"),
  im_scheduled_lateness_seconds: histogram("From the time that was asked for to acceptance", SECONDS),
  im_burns_due: gauge("Messages whose time after reading has run out and that have not burnt"),
  im_burns_oldest_due_age_seconds: gauge("Since when the first of them should have burnt"),
  im_burnt_total: counter("Messages that burnt after reading"),
  im_burn_lateness_seconds: histogram("From the time at which a message should burn to its burning", SECONDS),
  im_connections: gauge("Socket connections of this node"),
  im_deliveries_total: counter("Events pushed to rooms"),
  im_socket_queued_bytes: gauge("Bytes that wait to be written to sockets of this node"),
  im_pushes_dropped_total: counter("Events not pushed to sockets that read too slowly"),
  im_sync_needed_total: counter("Times a socket was told to sync, since it was slow or pushes were missed", "reason"),
  im_slow_readers_cut_total: counter("Sockets closed because they read far too slowly"),
  im_socket_events_total: counter("Events received from sockets", "event"),
  im_http_requests_total: counter("REST requests by route", "route", "method", "status"),
  im_http_request_duration_seconds: histogram("Duration of REST requests by route", SECONDS, "route", "method"),
} satisfies Record<string, MetricDef>;

type Table = typeof METRICS;
export type MetricName = keyof Table;
type OfType<T extends MetricDef["type"]> = { [N in MetricName]: Table[N] extends { type: T } ? N : never }[MetricName];
export type CounterName = OfType<"counter">;
export type GaugeName = OfType<"gauge">;
export type HistogramName = OfType<"histogram">;
/** The labels of a metric; those without labels take none. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Table[N]["labels"][number], string | number>>;
/** The labels as the last argument: required exactly when the metric has some. */
export type LabelArgs<N extends MetricName> = Table[N]["labels"] extends readonly [] ? [] : [labels: LabelsOf<N>];
