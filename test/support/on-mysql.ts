import { describe, test } from "node:test";
import { serversFor } from "./servers.ts";

/**
 * Runs the tests of other files once more, their nodes on MySQL, as `IM_TEST_PROFILE=mysql` does for a single file.
 * @param files below `test/`, without `.test.ts`; none of them was imported before
 */
export async function runOnMysql(files: readonly string[]): Promise<void> {
  const { skip } = await serversFor("mysql");
  if (skip !== false) return void test("the product on MySQL", { skip }, () => undefined);
  process.env["IM_TEST_PROFILE"] = "mysql";
  // In a suite, so that no test and no hook begins before all are there, and hooks follow each other: else the nodes of all files
  // started at once beside the first test, which had to reach a database that did nothing but make their tables.
  await describe("on MySQL", async () => {
    for (const file of files) await import(`../${file}.test.ts`);
  });
}
