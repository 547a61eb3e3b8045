import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, runProcess, temporaryFolder } from "../../test/support/server-process.ts";
import { callsPage } from "../../scripts/build-sdk/calls-page.ts";
import { programOf } from "./docs/page.ts";
import { compile, installBuilt, SDK } from "./support/installed.ts";
import { sharedWorld, type World } from "./support/world.ts";

const DOCS = path.join(SDK, "docs");
const MINUTE = 60_000;
const pages = (await readdir(DOCS)).filter((name) => name.endsWith(".md"));
const texts = new Map<string, string>([["README.md", await readFile(path.join(SDK, "README.md"), "utf8")]]);
for (const page of pages) texts.set(page, await readFile(path.join(DOCS, page), "utf8"));
const programs = [...texts].flatMap(([page, text]) => {
  const program = programOf(text);
  return program === null ? [] : [[page, program] as const];
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let world: World;
const fileOf = (page: string): string => `${path.basename(page, ".md").toLowerCase()}.mts`;

beforeAll(async () => {
  folder = await temporaryFolder();
  await installBuilt(folder.path);
  await copyFile(path.join(import.meta.dirname, "docs/stage.ts"), path.join(folder.path, "stage.ts"));
  for (const [page, program] of programs) await writeFile(path.join(folder.path, fileOf(page)), program);
  await writeFile(path.join(folder.path, "package.json"), '{ "type": "module" }');
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, target: "es2023", lib: ["es2023"], module: "nodenext" },
    ...{ types: ["node"], typeRoots: [path.join(ROOT, "node_modules/@types")], skipLibCheck: true, noEmitOnError: true },
  };
  await writeFile(path.join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts", "*.mts"] }));
  await compile(folder.path);
  world = await sharedWorld();
}, 2 * MINUTE);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test.each(programs.map(([page]) => page))("the code on %s does what the page says", { timeout: MINUTE }, async (page) => {
  const file = path.join(folder.path, fileOf(page).replace(".mts", ".mjs"));
  await using run = runProcess([file, world.url]);
  expect([await run.ended, run.written.err]).toEqual([0, ""]);
});

test("the page of all calls is that of the contracts (npm run build:sdk -- --docs)", async () => {
  expect(texts.get("calls.md")).toBe(await callsPage(ROOT, path.join(DOCS, "calls.md")));
});

test("each page can be found from the README, and links lead somewhere", () => {
  const readme = texts.get("README.md")!;
  for (const page of pages) expect(readme).toContain(`(docs/${page})`);
  for (const [page, text] of texts) {
    const base = page === "README.md" ? SDK : DOCS;
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      const file = path.resolve(base, target);
      const inside = file.startsWith(SDK) && (texts.has(path.basename(file)) || file.startsWith(path.join(SDK, "examples")));
      expect(inside || file.startsWith(path.join(ROOT, "docs")) || file === path.join(ROOT, "README.md"), target).toBe(true);
    }
  }
});
