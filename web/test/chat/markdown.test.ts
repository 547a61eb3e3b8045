import { renderToString } from "@vue/server-renderer";
import { describe, expect, it } from "vitest";
import { h } from "vue";
import { lex, renderMarkdown } from "../../src/chat/markdown.ts";

async function html(text: string): Promise<string> {
  const tokens = lex(text);
  if (!tokens) return "too deep";
  const options = { mentions: [{ text: "@Bob", isMe: true }], copyLabel: "Copy", copy: () => undefined };
  return (await renderToString(h("main", renderMarkdown(tokens, options)))).replaceAll(/<!--.*?-->/gu, "");
}

describe("markdown", () => {
  it("renders what people write", async () => {
    expect(await html("Some **bold**, *slanted*, ~~old~~ and `code`")).toBe(
      "<main><p>Some <strong>bold</strong>, <em>slanted</em>, <del>old</del> and <code>code</code></p></main>",
    );
    expect(await html("1. one\n2. two")).toContain('<ol start="1"><li>one</li><li>two</li></ol>');
    expect(await html("> quoted")).toContain("<blockquote><p>quoted</p></blockquote>");
    expect(await html("a\nb")).toContain("a<br>b");
    expect(await html("| a | b |\n|--|:-:|\n| 1 | 2 |")).toContain('<td class="md-center">2</td>');
    expect(await html("## Title")).toContain('<p class="md-heading md-heading-2">Title</p>');
  });

  it("names the language of code and offers to copy it", async () => {
    const shown = await html("```ts title\nconst a = '<b>';\n```");
    expect(shown).toContain("<span>ts</span>");
    expect(shown).toContain('<button type="button" class="md-copy">Copy</button>');
    expect(shown).toContain("const a = &#39;&lt;b&gt;&#39;;");
  });

  it("shows tasks as boxes that cannot be ticked", async () => {
    expect(await html("- [x] done\n- [ ] open")).toMatch(/<li class="md-task">☑ done.*<li class="md-task">☐ open/su);
  });

  it("shows HTML as it was typed", async () => {
    const shown = await html('<img src=x onerror="alert(1)">\n\nand <script>alert(1)</script> <b>bold</b>');
    expect(shown).not.toMatch(/<(?:img|script|b)\b/u);
    expect(shown).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(shown).toContain("&lt;b&gt;bold&lt;/b&gt;");
  });

  it("follows links to http, https and mail only", async () => {
    expect(await html("[here](https://example.com/a?b=1)")).toContain(
      '<a href="https://example.com/a?b=1" rel="noopener noreferrer" target="_blank">here</a>',
    );
    for (const address of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "//example.com",
      "&#106;avascript:alert(1)",
    ]) {
      expect(await html(`[here](${address})`), address).not.toContain("<a");
    }
    expect(await html("<javascript:alert(1)>")).not.toContain("<a");
  });

  it("makes links of images, and never one link inside another", async () => {
    expect(await html("![a cat](https://example.com/cat.png)")).toContain('href="https://example.com/cat.png"');
    expect(await html("![a cat](https://example.com/cat.png)")).not.toContain("<img");
    expect((await html("[**see www.example.com**](https://example.org)")).match(/<a /gu)).toHaveLength(1);
  });

  it("marks mentions and bare links in the words", async () => {
    const shown = await html("Ask @Bob at https://example.com.");
    expect(shown).toContain('<span class="mention mention-me">@Bob</span>');
    expect(shown).toContain('<a href="https://example.com/"');
  });

  it("stops at a depth instead of following it down", async () => {
    const quoted = `${"> ".repeat(12)}deep`;
    expect((await html(quoted)).match(/<blockquote>/gu)?.length).toBeLessThanOrEqual(12);
    expect(lex(`${">".repeat(8_000)}deep`)).toBeNull();
    expect(lex(`${"- ".repeat(4_000)}deep`)).toBeNull();
  });

  it("takes no long time for any 8 KB", () => {
    const parts = [
      "*a ",
      "_a_ ",
      "[a](",
      "![",
      "<a ",
      "`a",
      "**a*",
      "| a ",
      "~~a ",
      "[a]: b\n",
      "> a\n",
      "- a\n  ",
      "&a;",
      "<!--",
      "a@b.c ",
      "1) ",
      "\\*",
      "***",
      "[[",
      "http://",
    ];
    for (const part of parts) {
      const text = part.repeat(Math.floor(8_192 / part.length));
      const startedAt = performance.now();
      lex(text);
      expect(performance.now() - startedAt, part).toBeLessThan(1_000);
    }
  });
});
