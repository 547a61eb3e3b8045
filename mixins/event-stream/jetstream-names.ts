import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type StreamConfig } from "nats";

/** How the streams of one cluster are called on a NATS that it may share with others. */
export interface JetStreamNames {
  readonly stream: string;
  readonly leases: string;
  /** Stands before the subjects of all events. */
  readonly subjectPrefix: string;
}

/** Events are kept for so long whether they were handled or not: a consumer that is away for longer misses some. */
const KEEP_MS = 7 * 86_400_000;
/** About two million events; beyond it the oldest go earlier. */
const KEEP_BYTES = 1_073_741_824;
/** What is published again under the same id within this time is one event. */
const DUPLICATES_MS = 120_000;

/** @param namespace of the brokers: clusters with different ones share nothing */
export function namesOf(namespace: string): JetStreamNames {
  const stream = `${namespace.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_EVENTS`;
  const subjectPrefix = namespace === "im" ? "" : `${namespace.replaceAll(/[^A-Za-z0-9_-]/g, "_")}.`;
  return { stream, leases: `${stream}_LEASES`, subjectPrefix };
}

export function streamConfig({ stream, subjectPrefix }: JetStreamNames): Partial<StreamConfig> {
  return {
    name: stream,
    description: "Domain events of moleculer-im",
    subjects: [`${subjectPrefix}im.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(KEEP_MS),
    max_bytes: KEEP_BYTES,
    duplicate_window: nanos(DUPLICATES_MS),
  };
}

/**
 * One filter that lets through all that these subjects mean, and perhaps more: servers before 2.10 take only one for a
 * consumer.
 */
export function commonFilter(subjects: readonly string[]): string {
  const [first = "", ...others] = subjects;
  if (others.length === 0) return first;
  const tokens = subjects.map((subject) => subject.split("."));
  const shortest = Math.min(...tokens.map(({ length }) => length)) - 1;
  let common = 0;
  while (common < shortest && tokens.every((one) => one[common] === tokens[0]![common])) common++;
  return [...tokens[0]!.slice(0, common), ">"].join(".");
}
