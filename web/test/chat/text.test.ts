import { describe, expect, it } from "vitest";
import { firstWords, isFewEmoji, safeHref, segmentsOf, utf8Bytes } from "../../src/chat/text.ts";
import { plainText } from "../../src/chat/plain-text.ts";

const links = (text: string) =>
  segmentsOf(text).flatMap((segment) => (segment.kind === "link" ? [[segment.text, segment.href]] : []));

describe("text", () => {
  it("finds links without what ends the sentence", () => {
    expect(links("See https://example.com/a, and (http://example.org/b_(c)).")).toEqual([
      ["https://example.com/a", "https://example.com/a"],
      ["http://example.org/b_(c)", "http://example.org/b_(c)"],
    ]);
    expect(links("请看https://example.com/路径，谢谢。")).toEqual([
      ["https://example.com/路径", "https://example.com/%E8%B7%AF%E5%BE%84"],
    ]);
    expect(links("www.example.com or bob@example.com!")).toEqual([
      ["www.example.com", "https://www.example.com/"],
      ["bob@example.com", "mailto:bob@example.com"],
    ]);
  });

  it("opens nothing but http, https and mail", () => {
    for (const address of [
      "javascript:alert(1)",
      " javascript:alert(1)",
      "data:text/html,x",
      "file:///etc/passwd",
      "/relative",
      "",
    ]) {
      expect(safeHref(address), address).toBeNull();
    }
    expect(links("javascript:alert(1) ftp://example.com")).toEqual([]);
  });

  it("joined, the segments are the text again", () => {
    const text = "hi @Bob Lee, @Bob: https://a.example/?q=@Bob (x)\n@all";
    const mentions = [
      { text: "@Bob", isMe: false },
      { text: "@Bob Lee", isMe: true },
      { text: "@all", isMe: true },
    ];
    const segments = segmentsOf(text, mentions);
    expect(segments.map((segment) => segment.text).join("")).toBe(text);
    expect(segments.filter(({ kind }) => kind === "mention").map((segment) => segment.text)).toEqual([
      "@Bob Lee",
      "@Bob",
      "@all",
    ]);
  });

  it("knows a few emoji from words", () => {
    for (const text of ["👍", "❤️ 😂", "👨‍👩‍👧‍👦", "🇨🇳🇩🇪", "👋🏽"]) expect(isFewEmoji(text), text).toBe(true);
    for (const text of ["", "1", "ok 👍", "👍".repeat(7), "#️"]) expect(isFewEmoji(text), text).toBe(false);
  });

  it("counts bytes as the server does", () => {
    expect(utf8Bytes("aé你👍")).toBe(1 + 2 + 3 + 4);
  });

  it("shortens by characters and puts lines together", () => {
    expect(firstWords("a\n b\t c")).toBe("a b c");
    expect(firstWords("👍".repeat(5), 3)).toBe("👍👍👍…");
  });

  it("leaves the marks out of markdown", () => {
    expect(firstWords(plainText("# Title\n- **bold** [link](https://x.example) `code`\n```ts\nlet a\n```"))).toBe(
      "Title bold link code let a",
    );
    expect(plainText("2*3*4 and snake_case_name")).toBe("2*3*4 and snake_case_name");
  });
});
