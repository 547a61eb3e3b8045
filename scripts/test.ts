import path from "node:path";
import { serversForTests } from "./servers/for-tests.ts";
import { BROWSER_TOOLS, DEPLOYMENT_TOOLS, fetchTools } from "./servers/tools.ts";
import { leadTo, selectFiles } from "./test-files.ts";
import { runTests } from "./test-run.ts";
import type { Prepared } from "./test-run.ts";

/**
 * Runs the test files and ends with the one line `N passed, N failed`, with `, N skipped` behind it where some were. Arguments
 * choose among them: suites (`unit e2e`), clients (`sdk web`), or paths or parts of paths (`test/unit/lock-file.test.ts`,
 * `lock-file`). Where a chosen file needs MySQL, Redis, NATS or Kafka, they are brought up before the first file; programs that
 * check the files of a deployment are installed where that is possible.
 */

const ROOT = path.resolve(import.meta.dirname, "..");
/** Files that lead to these need servers, or programs. */
const SERVERS = path.join(ROOT, "test/support/servers.ts");
const TOOLS = path.join(ROOT, "test/support/tools.ts");
const BROWSER = path.join(ROOT, "test/support/browser.ts");

const report = (line: string): void => void process.stdout.write(`${line}\n`);

async function prepare(files: readonly string[]): Promise<Prepared> {
  const absolute = files.map((file) => path.join(ROOT, file));
  if (leadTo(absolute, TOOLS)) await fetchTools(DEPLOYMENT_TOOLS, report);
  if (leadTo(absolute, BROWSER)) await fetchTools(BROWSER_TOOLS, report);
  if (!leadTo(absolute, SERVERS)) return { argv: [], stop: async () => undefined };
  const servers = await serversForTests(report);
  return { argv: [`--servers=${servers.dir}`], stop: servers.stop };
}

const files = selectFiles(ROOT, process.argv.slice(2));
if (files.length === 0) process.stderr.write("No test file matches.\n");
process.exitCode = await runTests({ root: ROOT, files, prepare });
