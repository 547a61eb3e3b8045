import { describe } from "node:test";
import { appending } from "./message-log/appending.ts";
import { consuming } from "./message-log/consuming.ts";
import { deadLetterPages } from "./message-log/dead-letter-pages.ts";
import { deadLetters } from "./message-log/dead-letters.ts";
import { FAR_MS, type LogHarness, type Using } from "./message-log/harness.ts";

export type { LogHarness };

/** Every promise of `MessageLog`, for one implementation. @param open with this deadline of appends */
export function messageLogContract(name: string, open: (appendTimeoutMs: number) => Promise<LogHarness>): void {
  const using: Using =
    (work, appendTimeoutMs = FAR_MS) =>
    async () => {
      const harness = await open(appendTimeoutMs);
      await work(harness).finally(() => harness.cleanup());
    };

  describe(`message log on ${name}`, () => {
    consuming(using);
    appending(using);
    deadLetters(using);
    deadLetterPages(using);
  });
}
