/** An error as kafkajs throws it. `type` is the name of Kafka's own error code. */
interface KafkaError {
  readonly name: string;
  readonly message: string;
  readonly type?: string;
  readonly cause?: unknown;
}

function rootOf(error: unknown): KafkaError {
  if (error instanceof AggregateError || (error instanceof Error && "errors" in error)) {
    const [first] = error.errors as readonly unknown[];
    if (first !== undefined) return rootOf(first);
  }
  if (!(error instanceof Error)) return { name: "", message: String(error) };
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}

/** What kafkajs says when it has given up trying hides the error that it means. @returns that one */
export function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? causeOf(error.cause) : error;
}

/** One line. */
export function reasonOf(error: unknown): string {
  const { message, type } = rootOf(error);
  const [line = ""] = message.split("\n");
  return type === undefined ? line : `${line} (${type})`;
}

/** One of the records, or all of them together, are larger than the topic takes. */
export function isTooLarge(error: unknown): boolean {
  return ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"].includes(rootOf(error).type ?? "");
}

/** The broker answered: its connection is fit for use, whatever it said. */
export function isAnswer(error: unknown): boolean {
  const { type } = rootOf(error);
  return type !== undefined && type !== "UNKNOWN_TOPIC_OR_PARTITION";
}

/** Rejects when `work` takes longer than `ms`; what it comes to later is not looked at. */
export async function inTime<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
