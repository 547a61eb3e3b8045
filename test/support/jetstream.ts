import { randomUUID } from "node:crypto";
import { connect } from "nats";
import { namesOf, type JetStreamNames } from "../../mixins/event-stream/jetstream-names.ts";

/** Names on a NATS that tests share, for one of them alone. */
export function ownNames(): JetStreamNames {
  return namesOf(`t-${randomUUID()}`);
}

/** Removes what stands under these names. */
export async function removeStreams(url: string, { stream, leases }: JetStreamNames): Promise<void> {
  const client = await connect({ servers: new URL(url).host });
  const manager = await client.jetstreamManager();
  for (const name of [stream, `KV_${leases}`]) await manager.streams.delete(name).catch(() => undefined); // there is none
  await client.close();
}
