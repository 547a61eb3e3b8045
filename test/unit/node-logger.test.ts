import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEntry } from "../../runtime/log-entry.ts";
import { NodeLogger } from "../../runtime/node-logger.ts";

test("what the framework says of each failed call is written once of many, whoever says it", () => {
  const written: LogEntry[] = [];
  const logger = new NodeLogger("info", (entry) => written.push(entry));
  const [broker, transit] = ["broker", "transit"].map((mod) => logger.getLogHandler({ nodeID: "n1", mod }));
  for (const action of ["user.get", "user.me", "friend.list"]) {
    broker?.("warn", [`Request '${action}' is timed out.`, { timeout: 5_000 }]);
    broker?.("warn", [`Service '${action}' is not available.`]);
    transit?.("error", [`Unable to send '${action}' request with requestID '1' to 'far' node.`, new Error("away")]);
    broker?.("warn", ["Node 'far' disconnected unexpectedly."]);
  }
  assert.deepEqual(
    written.map(({ level, msg }) => `${level} ${msg.slice(0, 14)}`),
    [
      "warn Request 'user.",
      "warn Service 'user.",
      "error Unable to send",
      ...Array.from({ length: 3 }, () => "warn Node 'far' dis"),
    ],
  );
});
