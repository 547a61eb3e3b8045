import assert from "node:assert/strict";
import { test } from "node:test";
import { imError } from "../../lib/errors.ts";
import { logEntry } from "../../runtime/log-entry.ts";
import { readableLine } from "../../runtime/log-writers.ts";
import { NodeLogger } from "../../runtime/node-logger.ts";
import type { LogEntry } from "../../runtime/log-entry.ts";

const source = { nodeID: "n1", svc: "message" };

test("words, fields and an error of one call become one entry", () => {
  const entry = logEntry("warn", ["Batch failed:", { size: 3 }, new Error("disk full")], source, 1_000);
  const { err, ...rest } = entry;
  assert.deepEqual(rest, { size: 3, level: "warn", time: 1_000, node: "n1", from: "message", msg: "Batch failed:" });
  assert.equal(err?.message, "disk full");
  assert.match(err?.stack ?? "", /disk full/);
});

test("an error speaks for itself when nothing else was said", () => {
  assert.equal(logEntry("error", [new Error("disk full")], source, 0).msg, "disk full");
});

test("the request is found in fields and in the context of a failed call", () => {
  assert.equal(logEntry("error", ["x", { requestId: "r-1" }], source, 0).requestID, "r-1");
  const failed = Object.assign(new Error("x"), { ctx: { requestID: "r-2" } });
  assert.equal(logEntry("error", ["x", { error: failed }], source, 0).requestID, "r-2");
});

test("what a caller attached to an error stays out of the log", () => {
  const error = imError("VALIDATION", { fields: [{ field: "password", value: "secret-words" }] });
  const text = JSON.stringify(logEntry("error", ["refused", { error }], source, 0));
  assert.ok(!text.includes("secret-words"));
  assert.ok(text.includes("VALIDATION"));
});

test("fields cannot take the place of what every entry has", () => {
  const entry = logEntry("info", ["said", { level: "fatal", msg: "other", node: "n9" }], source, 5);
  assert.deepEqual([entry.level, entry.msg, entry.node], ["info", "said", "n1"]);
});

test("a line for people has the clock, the level, who speaks, the words and the fields", () => {
  const plain = readableLine(logEntry("info", ["Ready", { port: 3000 }], source, 0)).replace(/\x1b\[\d+m/g, "");
  assert.equal(plain, "00:00:00.000 INFO  message: Ready port=3000");
});

test("notices of the framework are for those who debug, and quiet levels stay quiet", () => {
  const written: LogEntry[] = [];
  const handlerAt = (level: "info" | "debug" | "warn", from: object) =>
    new NodeLogger(level, (entry) => written.push(entry)).getLogHandler(from);
  handlerAt("info", { nodeID: "n1", svc: "user" })("info", ["Service 'user' started."]);
  handlerAt("info", { nodeID: "n1", mod: "broker" })("info", ["Namespace: im"]);
  handlerAt("warn", source)("info", ["hidden"]);
  assert.deepEqual(written, []);
  handlerAt("debug", { nodeID: "n1", mod: "broker" })("info", ["Namespace: im"]);
  handlerAt("info", { nodeID: "n1", mod: "broker" })("warn", ["Look here"]);
  assert.deepEqual(
    written.map(({ level, msg }) => [level, msg]),
    [
      ["debug", "Namespace: im"],
      ["warn", "Look here"],
    ],
  );
});
