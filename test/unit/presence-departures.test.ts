import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { createDepartures } from "../../services/presence/departures.ts";

describe("a departure", () => {
  it("is told after the delay, once, unless the user came back", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const onGone = mock.fn<(userId: string) => void>();
    const departures = createDepartures(1_000, onGone);
    departures.add("1");
    departures.add("2");
    t.mock.timers.tick(600);
    departures.add("1");
    assert.equal(departures.cancel("2"), true);
    assert.equal(departures.cancel("2"), false);
    t.mock.timers.tick(399);
    assert.equal(onGone.mock.callCount(), 0);
    t.mock.timers.tick(1_000);
    assert.deepEqual(
      onGone.mock.calls.map((call) => call.arguments),
      [["1"]],
    );
    assert.equal(departures.cancel("1"), false);
  });

  it("is forgotten when the node stops", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const onGone = mock.fn<(userId: string) => void>();
    const departures = createDepartures(1_000, onGone);
    departures.add("1");
    departures.clear();
    t.mock.timers.tick(2_000);
    assert.equal(onGone.mock.callCount(), 0);
  });
});
