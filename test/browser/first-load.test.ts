import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { browser, openBrowser, settled } from "../support/browser.ts";
import { startIm } from "../support/im.ts";
import { builtWebClient } from "../support/web-client.ts";
import { befriendOnline, restPerson, webPerson } from "../support/web-person.ts";

const MAX_GZIP_BYTES = 300_000;

describe("the first load of a chat", { skip: browser.skip }, () => {
  let folder = "";
  before(async () => {
    folder = await builtWebClient();
  });

  it(`takes at most ${MAX_GZIP_BYTES / 1_000} kB, compressed by gzip`, async () => {
    await using im = await startIm({ rateLimits: false });
    await using chromium = await openBrowser();
    const [ann, ben] = [await webPerson(chromium, im.url), await restPerson(im.url, { nickname: "Ben" })];
    const conversationId = await befriendOnline(ann, ben);
    await ann.page.goto(`${im.url}/chats/${conversationId}`);
    await ann.page.getByRole("textbox", { name: /^Message/ }).waitFor();
    await settled(ann.page);
    const names = await ann.page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
    );
    const files = ["/index.html", ...new Set(names.filter((name) => name.startsWith("/assets/")))];
    assert.ok(files.length > 3, files.join(" "));
    const sizes = await Promise.all(
      files.map(async (name) => (await stat(join(folder, `${name}.gz`)).catch(() => stat(join(folder, name)))).size),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(bytes <= MAX_GZIP_BYTES, `${bytes} bytes in ${files.length} files`);
    assert.ok(bytes > 50_000, `${bytes} bytes: something is not counted`);
  });
});
