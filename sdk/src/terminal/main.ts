import { readOptions, USAGE, UsageError, type Options } from "./options.ts";
import { run } from "./run.ts";
import { Screen } from "./screen.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options | null;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`im-chat: ${error.message}\n${USAGE}`);
    return 2;
  }
  if (!options) {
    process.stdout.write(USAGE);
    return 0;
  }
  const screen = new Screen({ input: process.stdin, output: process.stdout });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => screen.close());
  try {
    return await run(options, screen);
  } finally {
    screen.close();
    process.stdin.unref?.();
  }
}
