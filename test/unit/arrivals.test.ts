import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it, mock } from "node:test";
import type { Socket as Connection } from "engine.io";
import { ARRIVAL_WAIT_MS, ARRIVALS_AT_ONCE, SOCKET_CONNECT_TIMEOUT_MS } from "../../config/limits.ts";
import { isImError } from "../../lib/errors.ts";
import { Arrivals } from "../../services/socket/arrivals.ts";
import type { ImSocket } from "../../services/socket/types.ts";

class StandInConnection extends EventEmitter {
  isClosed = false;
  close(): void {
    this.isClosed = true;
    this.emit("close");
  }
}

function socketOf(connected = true): { socket: ImSocket; conn: StandInConnection } {
  const conn = new StandInConnection();
  return { socket: { conn, connected } as unknown as ImSocket, conn };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** As many as may be let in at one time, each until `open` is called. */
function fill(arrivals: Arrivals): { open: () => void; all: Promise<unknown> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const all = Array.from({ length: ARRIVALS_AT_ONCE }, () => arrivals.letIn(socketOf().socket, () => promise));
  return { open: resolve, all: Promise.all(all) };
}

describe("connections that arrive", () => {
  it("are let in a bounded number at one time, who is in served before them", async () => {
    const arrivals = new Arrivals();
    const { open, all } = fill(arrivals);
    const done: string[] = [];
    const waiting = arrivals.letIn(socketOf().socket, async () => void done.push("let in"));
    const served = arrivals.serve(socketOf().socket, async () => void done.push("served"));
    await settled();
    assert.deepEqual(done, []);
    open();
    await Promise.all([all, waiting, served]);
    assert.deepEqual(done, ["served", "let in"]);
  });

  it("cost nothing when they have gone before their turn", async () => {
    const arrivals = new Arrivals();
    let calls = 0;
    const served = arrivals.serve(socketOf(false).socket, async () => calls++);
    await assert.rejects(served, (error) => isImError(error, "UNAVAILABLE"));
    assert.equal(calls, 0);
  });

  it("are closed when they do not say who they are in time, and not while they wait", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const arrivals = new Arrivals();
      const [silent, speaking] = [socketOf(), socketOf()];
      for (const { conn } of [silent, speaking]) arrivals.expect(conn as unknown as Connection);
      void arrivals.letIn(speaking.socket, () => Promise.withResolvers<void>().promise);
      mock.timers.tick(SOCKET_CONNECT_TIMEOUT_MS);
      assert.deepEqual([silent.conn.isClosed, speaking.conn.isClosed], [true, false]);
      mock.timers.tick(ARRIVAL_WAIT_MS);
      assert.equal(speaking.conn.isClosed, false);
    } finally {
      mock.timers.reset();
    }
  });
});
