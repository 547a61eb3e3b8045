import { test } from "node:test";
import { serversFor } from "./servers.ts";

/**
 * Runs the tests of other files once more, their nodes on MySQL, as `IM_TEST_PROFILE=mysql` does for a single file.
 * @param files below `test/`, without `.test.ts`; none of them was imported before
 */
export async function runOnMysql(files: readonly string[]): Promise<void> {
  const { skip } = await serversFor("mysql");
  if (skip !== false) return void test("the product on MySQL", { skip }, () => undefined);
  process.env["IM_TEST_PROFILE"] = "mysql";
  for (const file of files) await import(`../${file}.test.ts`);
}
