import { describe } from "node:test";
import { sqlDeadEvents } from "../../mixins/event-stream/dead-events.ts";
import { JetStreamEventStream } from "../../mixins/event-stream/jetstream.ts";
import { createDatabase, silent } from "../support/database.ts";
import { ownNames, removeStreams } from "../support/jetstream.ts";
import { serversFor } from "../support/servers.ts";
import { eventStreamContract } from "./event-stream.ts";

const nats = await serversFor("nats");

describe("the event stream on JetStream", { skip: nats.skip }, () => {
  eventStreamContract("JetStream", async () => {
    const database = await createDatabase();
    const names = ownNames();
    const deadEvents = sqlDeadEvents(database.sql);
    const open = (): Promise<JetStreamEventStream> =>
      JetStreamEventStream.open({
        ...{ url: nats.url, names, nodeId: "test", deadEvents, logger: silent, backoff: { firstMs: 1, maxMs: 4 } },
      });
    return {
      stream: await open(),
      reopen: open,
      cleanup: async () => {
        await removeStreams(nats.url, names);
        await database[Symbol.asyncDispose]();
      },
    };
  });
});
