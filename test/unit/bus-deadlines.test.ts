import assert from "node:assert/strict";
import { it } from "node:test";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { toWireError } from "../../lib/errors.ts";
import { keepDeadlines } from "../../mixins/bus/deadlines.ts";

it("what waited for its turn until its caller had given up is not done; what finds no place to wait is refused", async () => {
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const service: ServiceSchema = {
    name: "slow",
    actions: {
      async work({ params }: { params: { name: string } }) {
        done.push(params.name);
        await gate.promise;
      },
    },
  };
  const broker = new ServiceBroker({
    ...{ logger: false, internalServices: false, requestTimeout: 5_000 },
    bulkhead: { enabled: true, concurrency: 1, maxQueueSize: 2 },
    middlewares: [keepDeadlines()],
  });
  broker.createService(service);
  await broker.start();
  const work = (name: string, timeout?: number): Promise<unknown> => broker.call("slow.work", { name }, { timeout });
  const first = work("first");
  const late = assert.rejects(work("late", 20), { type: "REQUEST_TIMEOUT" });
  const last = work("last");
  const refused = await work("too many").catch((error: unknown) => error);
  assert.deepEqual([toWireError(refused).type, toWireError(refused).retryable], ["UNAVAILABLE", true]);
  await late;
  gate.resolve();
  await Promise.all([first, last]);
  assert.deepEqual(done, ["first", "last"]);
  await broker.stop();
});
