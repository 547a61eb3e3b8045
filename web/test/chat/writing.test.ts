import { describe, expect, it } from "vitest";
import { nextTick, ref } from "vue";
import { draftOf } from "../../src/chat/draft-text.ts";
import { forwarded } from "../../src/chat/forward.ts";
import { quoteOf } from "../../src/chat/quotes.ts";
import { remembering } from "../../src/chat/translate.ts";
import { useMentionSearch } from "../../src/chat/use-mention-search.ts";
import { message } from "./message.ts";

describe("forwarding", () => {
  it("sends what can be sent again as it is, and holds the rest in one message each", () => {
    const text = message({ type: "markdown", content: { text: "**a**" } });
    const image = message({ type: "image", content: { fileId: "7" }, messageId: "70" });
    expect(forwarded([text, image], "History", "each")).toEqual([
      { type: "markdown", content: { text: "**a**" } },
      { type: "forward", content: { title: "History", items: ["70"] } },
    ]);
  });

  it("holds all in one message, in their order", () => {
    const messages = [message({ messageId: "3" }), message({ messageId: "4" })];
    expect(forwarded(messages, "History", "one")).toEqual([
      { type: "forward", content: { title: "History", items: ["3", "4"] } },
    ]);
  });
});

describe("a draft", () => {
  it("has at most 2,000 characters and none that the server refuses", () => {
    expect([...draftOf("👍".repeat(2_100))]).toHaveLength(2_000);
    expect(draftOf("a\u0000b\tc\nd\ud800")).toBe("ab\tc\nd");
  });
});

describe("a quote", () => {
  it("is as the server shows it, and of nothing that the server does not have", () => {
    const original = message({ messageId: "9", seq: 4, senderId: "2", content: { text: "Hello\nthere" } });
    expect(quoteOf(original)).toEqual({ messageId: "9", seq: 4, senderId: "2", type: "text", preview: "Hello there" });
    expect(quoteOf(message({ messageId: null, seq: null }))).toBeNull();
  });
});

describe("looking for somebody to mention", () => {
  const people = [
    { userId: "1", name: "Bob" },
    { userId: "2", name: "Bo" },
  ];

  it("goes round the list, and begins at its top when other words are typed", async () => {
    const [text, caret] = [ref("@b"), ref(2)];
    const search = useMentionSearch(text, caret, () => people);
    expect(search.found.value).toHaveLength(2);
    search.move(-1);
    expect(search.current.value).toBe(1);
    text.value = "@bo";
    caret.value = 3;
    await nextTick();
    expect(search.current.value).toBe(0);
  });

  it("stays away once it was sent away, until the next @", async () => {
    const [text, caret] = [ref("@b"), ref(2)];
    const search = useMentionSearch(text, caret, () => people);
    search.dismiss();
    expect(search.query.value).toBeNull();
    text.value = "@bo @";
    caret.value = 5;
    await nextTick();
    expect(search.found.value).toHaveLength(2);
  });
});

describe("remembered sentences", () => {
  it("are looked up once in each language, and each time when there is something to fill in", () => {
    const language = ref("en");
    const asked: string[] = [];
    const t = remembering((key, named) => {
      asked.push(key);
      return `${language.value} ${key} ${JSON.stringify(named ?? null)}`;
    }, language);
    expect([t("a"), t("a")]).toEqual(["en a null", "en a null"]);
    expect(asked).toEqual(["a"]);
    language.value = "zh";
    expect(t("a")).toBe("zh a null");
    t("b", { count: 1 });
    t("b", { count: 2 });
    expect(asked).toEqual(["a", "a", "b", "b"]);
  });
});
