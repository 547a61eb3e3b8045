import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it, test } from "node:test";
import { WEB_PATHS } from "../../contracts/web-paths.ts";
import { browser, openBrowser } from "../support/browser.ts";
import { befriend, buildUser, PASSWORD, startIm, text } from "../support/im.ts";
import { ROOT } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";
import { builtWebClient } from "../support/web-client.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

/** Run in the page. */
const OPEN_SOCKET = `new Promise((resolve) => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket");
  socket.onopen = () => resolve("opened");
  socket.onerror = () => resolve("refused");
})`;
const SMUGGLE = `(async () => {
  const refused = [];
  const tries = {
    html: () => (document.body.innerHTML = "<img src=x onerror='window.ran = true'>"),
    handler: () => document.body.setAttribute("onclick", "window.ran = true"),
    text: () => (document.createElement("script").text = "window.ran = true"),
    timer: () => setTimeout("window.ran = true"),
  };
  for (const [name, attempt] of Object.entries(tries)) {
    try {
      attempt();
    } catch {
      refused.push(name);
    }
  }
  document.body.click();
  const elsewhere = await fetch("http://127.0.0.1:9/").then(() => "sent", () => "refused");
  return { refused, elsewhere, ran: "ran" in window };
})()`;

let folder = "";
before(async () => {
  folder = await builtWebClient();
});

test("the server answers with the built client: its page, and all that its build made", async () => {
  await using im = await startIm();
  const html = await (await fetch(im.url)).text();
  assert.equal(html, await readFile(join(folder, "index.html"), "utf8"));
  for (const [, link = ""] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.match(link, /^\/(?!\/)/);
    assert.equal((await fetch(im.url + link)).status, 200, link);
  }
  const assets = (await readdir(join(folder, "assets"))).filter((name) => !/\.(?:br|gz)$/.test(name));
  assert.ok(assets.length > 1);
  for (const name of assets) {
    const response = await fetch(`${im.url}/assets/${name}`);
    assert.match(name, /-[\w-]{8}\.\w+$/, "is named by its content");
    assert.deepEqual([response.status, response.headers.get("cache-control")], [200, IMMUTABLE], name);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), await readFile(join(folder, "assets", name)), name);
  }
});

test("nothing in the page is inline", async () => {
  const html = await readFile(join(folder, "index.html"), "utf8");
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|javascript:/i);
  for (const [tag] of html.matchAll(/<script[^>]*>/g)) assert.match(tag, /\ssrc="\/assets\//);
});

test("the server knows each path that the client has a screen at", async () => {
  const router = await readFile(join(ROOT, "web/src/router.ts"), "utf8");
  const firsts = [...router.matchAll(/path: "\/?([a-z][\w-]*)/g)].map(([, first = ""]) => `/${first}`);
  assert.ok(firsts.length >= WEB_PATHS.length);
  assert.deepEqual([...new Set(firsts)].sort(), [...WEB_PATHS].sort());
});

describe("the client in a browser", { skip: browser.skip }, () => {
  it("shows its screens without an error, and without anything that its policy refuses", async () => {
    await using im = await startIm();
    await using chromium = await openBrowser();
    const visitor = await chromium.visitor();
    const page = await visitor.open(im.url);
    await page.waitForURL("**/sign-in*");
    await page.getByRole("textbox").first().waitFor();
    for (const path of ["/sign-up", "/chats", "/settings", "/no-such/../sign-in"]) {
      await page.goto(im.url + path);
      await page.getByRole("textbox").first().waitFor();
    }
    assert.deepEqual(visitor.problems, []);
  });

  it("shows a person who signed in each of its screens in the same way", async () => {
    await using im = await startIm();
    const { username, userId } = await buildUser(im);
    const friend = await buildUser(im);
    const conversationId = await befriend(im, friend, { userId });
    await im.node.as(friend.userId, "message.send", text(conversationId, "**hello** https://im.example :-)"));
    await using chromium = await openBrowser();
    const visitor = await chromium.visitor();
    const page = await visitor.open(`${im.url}/sign-in`);
    await page.locator("[autocomplete=username]").fill(username);
    await page.locator("[autocomplete=current-password]").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/chats*");
    const below = [`/chats/${conversationId}`, `/contacts/${friend.userId}`, "/contacts/requests", "/settings/devices"];
    for (const path of ["/chats", "/contacts", "/notifications", "/settings", ...below]) {
      await page.goto(im.url + path);
      await page.getByRole("navigation").first().waitFor();
      await page.waitForLoadState("networkidle");
      assert.equal(new URL(page.url()).pathname, path);
      assert.deepEqual(visitor.problems, [], path);
    }
  });

  it("may talk to its server by WebSocket, and runs nothing that was put into the page", async () => {
    await using im = await startIm();
    await using chromium = await openBrowser();
    const visitor = await chromium.visitor();
    const page = await visitor.open(`${im.url}/sign-in`);
    await page.getByRole("textbox").first().waitFor();
    assert.deepEqual(visitor.problems, []);

    const opened = await page.evaluate(OPEN_SOCKET);
    assert.equal(opened, "opened");
    assert.deepEqual(visitor.problems, []);

    const ran = await page.evaluate(SMUGGLE);
    assert.deepEqual(ran, { refused: ["html", "handler", "text", "timer"], elsewhere: "refused", ran: false });
    const isTold = (): boolean => visitor.problems.some((line) => /127\.0\.0\.1:9.*violates.*"connect-src 'self'"/.test(line));
    await waitFor(isTold, "the page to tell of what its policy refused");
  });
});
