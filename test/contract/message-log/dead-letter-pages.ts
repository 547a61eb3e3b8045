import assert from "node:assert/strict";
import { it } from "node:test";
import type { DeadLetter, DeadLetterPlace } from "../../../mixins/message-log/port.ts";
import { buildRecords } from "../../support/records.ts";
import type { Using } from "./harness.ts";

const placeOf = ({ at, record }: DeadLetter): DeadLetterPlace => ({ at, messageId: record.messageId });
const idsOf = (letters: readonly DeadLetter[]): string[] => letters.map(({ record }) => record.messageId);

/** How dead letters are read a page at a time. */
export function deadLetterPages(using: Using): void {
  it(
    "lists dead letters from the oldest on, page by page, also behind one that is removed and among those of one moment",
    using(async ({ log }) => {
      const letters = buildRecords(9).map((record, i) => ({ record, reason: "no", at: 5 + Math.floor(i / 4) }));
      await log.bury(letters.toReversed());
      const first = await log.deadLetters(3);
      assert.deepEqual(
        first.map(({ at }) => at),
        [5, 5, 5],
      );
      await log.removeDeadLetters(idsOf(first));
      const second = await log.deadLetters(3, placeOf(first[2]!));
      const third = await log.deadLetters(3, placeOf(second[2]!));
      assert.deepEqual(
        [...second, ...third].map(({ at }) => at),
        [5, 6, 6, 6, 6, 7],
      );
      assert.deepEqual(new Set(idsOf([...first, ...second, ...third])), new Set(idsOf(letters)));
      assert.deepEqual(await log.deadLetters(3, placeOf(third[2]!)), []);
      assert.deepEqual(idsOf(await log.deadLetters(10)), idsOf([...second, ...third]));
    }),
  );
}
