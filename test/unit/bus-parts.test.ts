import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { cut, PartCollector } from "../../mixins/bus/parts.ts";

describe("packets in parts", () => {
  const packet = randomBytes(1_000);

  it("come together again byte for byte, also when several are on their way", () => {
    const collector = new PartCollector();
    const other = randomBytes(500);
    const [mine, others] = [cut(packet, 300), cut(other, 250)];
    assert.deepEqual([mine.length, others.length], [4, 2]);
    const whole: (Buffer | null)[] = [];
    for (const { label, data } of [mine[0]!, others[0]!, mine[1]!, mine[2]!, others[1]!, mine[3]!])
      whole.push(collector.add(label, data));
    assert.deepEqual(whole, [null, null, null, null, other, packet]);
  });

  it("are nothing when one of them was lost", () => {
    const collector = new PartCollector();
    const lost = cut(packet, 300);
    for (const missing of [0, 1, 3]) {
      const rest = lost.filter((_, index) => index !== missing);
      assert.deepEqual(
        rest.map(({ label, data }) => collector.add(label, data)),
        rest.map(() => null),
      );
    }
  });

  it("are not kept for ever when the rest does not come", () => {
    let now = 0;
    const collector = new PartCollector(() => now);
    const parts = cut(packet, 500);
    collector.add(parts[0]!.label, parts[0]!.data);
    now = 10_001;
    collector.add(cut(packet, 500)[0]!.label, packet);
    assert.equal(collector.add(parts[1]!.label, parts[1]!.data), null);
  });
});
