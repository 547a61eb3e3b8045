/**
 * A consumer in a process of its own, for tests that kill and freeze it:
 * `node event-node.ts <natsUrl> <names as JSON> <consumer> <subject> <ms per event>`.
 * It writes "ready", and for each event "begin <key> <n>" and "end <key> <n>".
 */
import { setTimeout as delay } from "node:timers/promises";
import { JetStreamEventStream } from "../../mixins/event-stream/jetstream.ts";
import type { JetStreamNames } from "../../mixins/event-stream/jetstream-names.ts";
import { silent } from "./database.ts";

const [url = "", names = "", consumer = "", subject = "", workMs = "0"] = process.argv.slice(2);
const say = (...words: unknown[]): void => void process.stdout.write(`${words.join(" ")}\n`);
const stream = await JetStreamEventStream.open({
  ...{ url, names: JSON.parse(names) as JetStreamNames, nodeId: String(process.pid), logger: silent },
  deadEvents: { put: async () => say("dead"), list: async () => [], remove: async () => undefined },
});
await stream.subscribe({
  consumer,
  subjects: [subject],
  async handle({ key, payload }) {
    say("begin", key, payload);
    await delay(Number(workMs));
    say("end", key, payload);
  },
});
say("ready");
