import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceSchema } from "moleculer";
import { METRICS } from "../../config/metrics.ts";
import { metricsAddress, withMetrics, type Metrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { createNode, type TestNode } from "../support/node.ts";

const measuring = (name: string): ServiceSchema => ({ name, mixins: [withMetrics()] });
const metricsOf = (node: TestNode, service: string): Metrics =>
  (node.broker.getLocalService(service) as unknown as MetricsVars).metrics;
const portOf = (node: TestNode): number => metricsAddress(node.broker)?.port ?? 0;
const scrape = async (node: TestNode): Promise<string> => (await fetch(`http://127.0.0.1:${portOf(node)}/metrics`)).text();
/** Lines of a metric without the node's label. */
const linesOf = (text: string, name: string): string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith(name))
    .map((line) => line.replace(/,?node="[^"]*"/, "").replace("{}", ""));

test("services of a node count into one registry", async () => {
  await using node = await createNode([measuring("one"), measuring("two")]);
  metricsOf(node, "one").increment("im_messages_accepted_total");
  metricsOf(node, "two").increment("im_messages_accepted_total", 4);
  metricsOf(node, "two").increment("im_messages_refused_total", 1, { reason: "MUTED" });
  metricsOf(node, "one").observe("im_persist_batch_size", 7);
  const text = await scrape(node);
  assert.deepEqual(linesOf(text, "im_messages_accepted_total"), ["im_messages_accepted_total 5"]);
  assert.deepEqual(linesOf(text, "im_messages_refused_total"), ['im_messages_refused_total{reason="MUTED"} 1']);
  assert.deepEqual(linesOf(text, "im_persist_batch_size_sum"), ["im_persist_batch_size_sum 7"]);
  assert.ok(linesOf(text, "im_persist_batch_size_bucket").includes('im_persist_batch_size_bucket{le="10"} 1'));
});

test("every declared metric and those of the process are served", async () => {
  await using node = await createNode([measuring("one")]);
  const text = await scrape(node);
  for (const [name, { type }] of Object.entries(METRICS)) assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
  for (const name of [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_event_loop_lag_max_seconds",
    "nodejs_event_loop_utilization",
  ]) {
    assert.match(linesOf(text, name).join(), /^\S+ [0-9.e+-]+$/, name);
  }
});

test("gauges are read at each scrape; one that fails is left out and leaves the others", async () => {
  await using node = await createNode([measuring("one")]);
  let connections = 3;
  metricsOf(node, "one").gauge("im_connections", () => connections);
  metricsOf(node, "one").gauge("im_log_lag", () => Promise.reject(new Error("away")));
  assert.deepEqual(linesOf(await scrape(node), "im_connections"), ["im_connections 3"]);
  connections = 0;
  const text = await scrape(node);
  assert.deepEqual(linesOf(text, "im_connections"), ["im_connections 0"]);
  assert.deepEqual(linesOf(text, "im_log_lag"), []);
});

test("a reader that was taken out is not read any more", async () => {
  await using node = await createNode([measuring("one")]);
  const remove = metricsOf(node, "one").gauge("im_connections", () => 3);
  remove();
  assert.deepEqual(linesOf(await scrape(node), "im_connections"), []);
});

test("the port serves /metrics only, and is named when it is taken", async () => {
  await using node = await createNode([measuring("one")]);
  const port = portOf(node);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status, 404);
  await assert.rejects(createNode([measuring("one")], { config: { metricsPort: port } }), {
    message: `Port ${port} on 127.0.0.1 is taken; set IM_METRICS_PORT to another`,
  });
});

test("counting costs less than a microsecond", async () => {
  await using node = await createNode([measuring("one")]);
  const metrics = metricsOf(node, "one");
  const count = (times: number): void => {
    for (let i = 0; i < times; i++) metrics.increment("im_messages_accepted_total");
  };
  count(100_000);
  const began = process.cpuUsage(); // of this process, whatever else the machine does meanwhile
  count(1_000_000);
  const { user, system } = process.cpuUsage(began);
  const microseconds = (user + system) / 1_000_000;
  assert.ok(microseconds < 1, `${microseconds.toFixed(3)} µs`);
});
