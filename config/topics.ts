/**
 * Topics and consumer groups of the message log in Kafka. The key of every record is its conversation id, so that one partition
 * holds a conversation and its records keep their order. All names begin with the prefix of `IM_KAFKA_TOPIC_PREFIX`.
 */

/** Messages of direct and service conversations. */
const PRIVATE_TOPIC = "im-message-private";
/** Messages of groups. */
const GROUP_TOPIC = "im-message-group";
/** What nobody can write or read (`docs/adr/0014-dead-letters-in-kafka.md`); one partition. */
const DEAD_TOPIC = "im-message-dead";

const DAY_MS = 86_400_000;
/** A persister that was away for longer has lost nothing that is still pending: the compensator drives that again. */
export const MESSAGE_RETENTION_MS = 7 * DAY_MS;
export const DEAD_RETENTION_MS = 30 * DAY_MS;
/** Of one batch of records, many times the largest message. */
export const MAX_BATCH_BYTES = 1_048_576;

export interface Topics {
  readonly private: string;
  readonly group: string;
  readonly dead: string;
}

export function topicsOf(prefix: string): Topics {
  return { private: prefix + PRIVATE_TOPIC, group: prefix + GROUP_TOPIC, dead: prefix + DEAD_TOPIC };
}

export function topicOf(topics: Topics, conversationId: string): string {
  return conversationId.startsWith("g_") ? topics.group : topics.private;
}

/** What Kafka calls a group of the log's consumers. */
export function consumerGroupId(prefix: string, group: string): string {
  return `${prefix}im-${group}`;
}
