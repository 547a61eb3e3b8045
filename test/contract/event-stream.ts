import { randomUUID } from "node:crypto";
import { closing } from "./event-stream/closing.ts";
import { deadLetters } from "./event-stream/dead-letters.ts";
import { delivery } from "./event-stream/delivery.ts";
import type { EventStreamHarness, Names, Using } from "./event-stream/harness.ts";
import { repetition } from "./event-stream/repetition.ts";

export type { EventStreamHarness };

const namesOf = (): Names => {
  const id = randomUUID().replaceAll("-", "");
  return { consumer: `c${id}`, subject: (last) => `im.t${id}.${last}` };
};

/** Every promise of `mixins/event-stream/port.ts`, for one implementation. */
export function eventStreamContract(name: string, open: () => Promise<EventStreamHarness>): void {
  const using: Using = (work) => async () => {
    const harness = await open();
    try {
      await work(harness.stream, namesOf(), harness);
    } finally {
      await harness.stream.close();
      await harness.cleanup();
    }
  };
  delivery(name, using);
  repetition(name, using);
  deadLetters(name, using);
  closing(name, using);
}
