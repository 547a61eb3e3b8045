import { describe } from "node:test";
import { appending } from "./message-log/appending.ts";
import { consuming } from "./message-log/consuming.ts";
import { deadLetterPages } from "./message-log/dead-letter-pages.ts";
import { deadLetters } from "./message-log/dead-letters.ts";
import type { LogHarness, Using } from "./message-log/harness.ts";

export type { LogHarness };

/** Every promise of `MessageLog`, for one implementation. */
export function messageLogContract(name: string, open: () => Promise<LogHarness>): void {
  const using: Using = (work) => async () => {
    const harness = await open();
    await work(harness).finally(() => harness.cleanup());
  };

  describe(`message log on ${name}`, () => {
    consuming(using);
    appending(using);
    deadLetters(using);
    deadLetterPages(using);
  });
}
