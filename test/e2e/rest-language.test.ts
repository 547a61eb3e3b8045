import assert from "node:assert/strict";
import { test } from "node:test";
import { createEdge } from "../support/edge.ts";

test("an action hears of a language only when the client asked for one; errors are in English otherwise", async () => {
  await using node = await createEdge();
  for (const [header, language, message] of [
    [undefined, undefined, /^[ -~]+$/],
    ["fr", undefined, /^[ -~]+$/],
    ["en", "en", /^[ -~]+$/],
    ["zh-CN", "zh", /\p{Script=Han}/u],
  ] as const) {
    const headers: Record<string, string> = header === undefined ? {} : { "Accept-Language": header };
    const { data } = await node.ask("GET", "/api/v1/notifications", { headers });
    assert.equal((data?.["meta"] as { language?: string }).language, language, header);
    assert.match((await node.ask("GET", "/api/v1/nothing", { headers })).message, message, header);
  }
});
