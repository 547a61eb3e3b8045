import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { ROOT, runProcess, startServer, temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

/** A step of the tour: what the reader pastes, and what the README says it prints. */
interface Step {
  readonly shell: string;
  readonly printed: string;
}

const STEP = /<!-- tour -->\n\n```sh\n([^]*?)```\n(?:\n```(?:json|text)\n([^]*?)```)?/g;

async function readTour(): Promise<{ steps: Step[]; readme: string }> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const steps = [...readme.matchAll(STEP)].map(([, shell = "", printed = ""]) => ({ shell, printed }));
  return { steps, readme };
}

/** Ids and times differ from run to run; the order of lines that come from two programs does too. */
function comparable(printed: string): string[] {
  const same = printed.replace(/\d{13,}/g, "#").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "uuid");
  return same
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

test("the tour of the README prints what the README says", async () => {
  const { steps } = await readTour();
  assert.ok(steps.length >= 6);
  await using folder = await temporaryFolder();
  await using server = await startServer({ IM_DATA_DIR: folder.path });
  const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  await using shell = runProcess([], { PATH: path }, "bash");
  try {
    for (const { shell: typed, printed } of steps) {
      const from = shell.written.out.length;
      const local = typed
        .replaceAll("http://127.0.0.1:3000", server.url)
        .replace('"$CONVERSATION" &', `"$CONVERSATION" ${server.url} &`);
      shell.child.stdin.write(local);
      const seen = (): string[] => comparable(shell.written.out.slice(from));
      const expected = comparable(printed);
      await waitFor(() => isDeepStrictEqual(seen(), expected), typed, 15_000).catch(() => undefined); // the difference is told below
      assert.deepEqual(seen(), expected, `${typed}\n${shell.written.err}`);
    }
  } finally {
    shell.child.stdin.end("kill %1\n");
    await shell.ended;
  }
});

test("the README shows the socket client that stands in examples", async () => {
  const { readme } = await readTour();
  const client = await readFile(join(ROOT, "examples/socket-client.mjs"), "utf8");
  assert.ok(readme.includes(`\`\`\`js\n${client}\`\`\``));
});

test("every file that the README and the documents link to is there", async () => {
  const pages = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/operations.md", "docs/library.md"];
  for (const page of pages) {
    const text = await readFile(join(ROOT, page), "utf8");
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    for (const target of targets)
      await assert.doesNotReject(access(join(ROOT, dirname(page), target)), `${page} links to ${target}`);
  }
});
