/** The program that a page is: its `ts` blocks and, in comments that begin with `<!-- test`, what its reader does not see. */

/** The server in the examples. */
const SERVER = "https://im.example.com";

const BLOCK = /^```ts\n(?<shown>.*?)^```$|^<!-- test\n(?<hidden>.*?)^-->$/gms;

/** @returns null for a page without code */
export function programOf(page: string): string | null {
  const blocks = [...page.matchAll(BLOCK)].map(({ groups }) => groups?.["shown"] ?? groups?.["hidden"] ?? "");
  if (blocks.length === 0) return null;
  const isStageUsed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(blocks.join("\n"));
  const used = ["PASSWORD", "befriend", "client", "deviceOf", "newcomer", "online", "until", "wire"].filter(isStageUsed);
  return [
    `import assert from "node:assert/strict";`,
    `import { done, url as stageUrl, ${used.join(", ")} } from "./stage.js";`,
    ...blocks.map((block) => block.replaceAll(`"${SERVER}"`, "stageUrl")),
    "void assert;",
    "await done();",
    "",
  ].join("\n");
}
