import type { ServiceBroker } from "moleculer";
import { imError } from "../../lib/errors.ts";
import { sharedDatabase } from "../database/index.ts";
import type { Database } from "../database/port.ts";
import { PERSISTER_GROUP, sharedMessageLog } from "../message-log/index.ts";
import { sqlSentKeys } from "./sent-keys.ts";
import type { SentKeysReader } from "./sent-keys.ts";
import { SqlSeqBlocks } from "./seq-blocks.ts";
import type { SeqBlocks } from "./seq-blocks.ts";

/** What a hot store that can lose its counters must be told by SQL and by the message log. */
export interface SeqSources {
  readonly blocks: SeqBlocks;
  readonly sentKeys: SentKeysReader;
  /** Whether the persister has written all that was in the log when this was called, before `timeoutMs` passed. Never rejects. */
  drained(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** The node's database and message log, opened with the first question: a node that only holds connections needs neither. */
export function seqSources(broker: ServiceBroker): SeqSources {
  const owner = new AsyncDisposableStack();
  const database = once<Database>(owner, sharedDatabase, broker);
  const log = once(owner, sharedMessageLog, broker);
  const blocks = async (): Promise<SeqBlocks> => new SqlSeqBlocks(await database());
  return {
    blocks: {
      find: async (...args) => (await blocks()).find(...args),
      first: async (...args) => (await blocks()).first(...args),
      extend: async (...args) => (await blocks()).extend(...args),
      renew: async (...args) => (await blocks()).renew(...args),
      inSql: async (...args) => (await blocks()).inSql(...args),
    },
    sentKeys: async (...args) => sqlSentKeys(await database())(...args),
    async drained(timeoutMs) {
      try {
        return await (await log()).log.settled(PERSISTER_GROUP, timeoutMs);
      } catch {
        return false;
      }
    },
    close: () => owner.disposeAsync(),
  };
}

interface Acquirable<T> {
  acquire(broker: ServiceBroker): Promise<T>;
  release(broker: ServiceBroker): Promise<void>;
}

/** Acquires with the first call; a failure is not remembered. `owner` gives it back. */
function once<T>(owner: AsyncDisposableStack, shared: Acquirable<T>, broker: ServiceBroker): () => Promise<T> {
  let acquired: Promise<T> | null = null;
  const acquire = async (): Promise<T> => {
    const resource = await shared.acquire(broker);
    if (owner.disposed) {
      await shared.release(broker);
      throw imError("UNAVAILABLE");
    }
    owner.defer(() => shared.release(broker));
    return resource;
  };
  return () =>
    (acquired ??= acquire().catch((error: unknown) => {
      acquired = null;
      throw error;
    }));
}
