import { describe, expect, it } from "vitest";
import { createI18n } from "vue-i18n";
import english from "../../src/i18n/en/chat.ts";
import chinese from "../../src/i18n/zh/chat.ts";
import { lastLine, previewOf, systemSentence, type Words } from "../../src/chat/sentences.ts";
import { message } from "./message.ts";

const NAMES: Readonly<Record<string, string>> = { "1": "Alice", "2": "Bob", "3": "Carol", "4": "Dave", "5": "Erin" };
const i18n = createI18n({ legacy: false, locale: "en", messages: { en: { chat: english }, zh: { chat: chinese } } });
const words = (me = "1"): Words => ({
  t: (key, named = {}) => i18n.global.t(key, named),
  me,
  nameOf: (userId) => NAMES[userId] ?? "Somebody",
});
const system = (content: Record<string, unknown>) => systemSentence({ content }, words());

describe("what the server says", () => {
  it("has a sentence for each event", () => {
    const by = { actorId: "2", userIds: ["3"], name: "Team" };
    const sentences = Object.entries({
      "group.created": { ...by, userIds: ["2", "3"] },
      "group.renamed": by,
      "group.avatar.changed": by,
      "group.announcement.changed": { ...by, announcement: "Hi" },
      "group.settings.changed": by,
      "group.muted": by,
      "group.unmuted": by,
      "group.dissolved": { actorId: "2", name: "Team" },
      "group.owner.changed": { ...by, previousOwnerId: "2" },
      "member.joined": { ...by, inviterId: "2" },
      "member.left": by,
      "member.removed": by,
      "member.role.changed": { ...by, role: "admin" },
      "member.muted": by,
      "member.unmuted": by,
      "message.pinned": { actorId: "2", messageId: "9" },
    }).map(([event, content]) => system({ event, ...content }));
    expect(sentences).not.toContain(english.system.unknown);
    expect(new Set(sentences).size).toBe(sentences.length);
    for (const sentence of sentences) expect(sentence).not.toMatch(/chat\.|\{|Somebody/u);
  });

  it("says who did what to whom", () => {
    expect(system({ event: "group.created", actorId: "1", userIds: ["1", "2", "3"], name: "Team" })).toBe(
      "You created the group “Team” with Bob, Carol",
    );
    expect(system({ event: "group.created", actorId: "1", userIds: ["1"], name: "Team" })).toBe("You created the group “Team”");
    expect(system({ event: "member.joined", actorId: "3", userIds: ["3"] })).toBe("Carol joined the group");
    expect(system({ event: "member.joined", actorId: "3", userIds: ["3"], inviterId: "2" })).toBe("Carol joined the group");
    expect(system({ event: "member.joined", actorId: "2", userIds: ["1"] })).toBe("Bob added you to the group");
    expect(system({ event: "member.role.changed", actorId: "2", userIds: ["3"], role: "member" })).toContain("plain member");
    expect(system({ event: "group.announcement.changed", actorId: "2", announcement: "" })).toBe("Bob removed the announcement");
  });

  it("names a few of many", () => {
    expect(system({ event: "member.removed", actorId: "1", userIds: ["2", "3", "4", "5"] })).toBe(
      "You removed Bob, Carol, Dave and 1 other from the group",
    );
    expect(system({ event: "member.joined", actorId: "2", userIds: ["3", "4", "5"], userCount: 80, inviterId: "2" })).toBe(
      "Bob added Carol, Dave, Erin and 77 others to the group",
    );
  });

  it("is not puzzled by what it does not know", () => {
    expect(system({ event: "group.blessed", actorId: "2" })).toBe(english.system.unknown);
    expect(system({})).toBe(english.system.unknown);
  });
});

describe("a message on one line", () => {
  it("is its first words, or what it is", () => {
    const of = (type: string, content: Record<string, unknown>) => previewOf(message({ type: type as "text", content }), words());
    expect(of("text", { text: "Hello\nthere" })).toBe("Hello there");
    expect(of("markdown", { text: "# Big **news**" })).toBe("Big news");
    expect(of("location", { title: "Park" })).toBe("[Location] Park");
    expect(of("location", {})).toBe("[Location]");
    expect(of("card", { userId: "2" })).toBe("[Contact card] Bob");
    expect(of("file", { name: "plan.pdf" })).toBe("[File] plan.pdf");
    expect(of("forward", { title: "History" })).toBe("[Forwarded messages] History");
    expect(of("image", {})).toBe("[Photo]");
    expect(of("hologram", { text: 5 })).toBe("[New kind of message]");
  });

  it("says who said it where that is not plain", () => {
    expect(lastLine(message({ senderId: "1" }), words(), false)).toBe("You: Hello");
    expect(lastLine(message({ senderId: "2" }), words(), false)).toBe("Hello");
    expect(lastLine(message({ senderId: "2" }), words(), true)).toBe("Bob: Hello");
    expect(lastLine(message({ senderId: "2", recalledAt: 1, content: {} }), words(), true)).toBe("Bob recalled a message");
    expect(lastLine(message({ senderId: "1", recalledAt: 1, content: {} }), words(), true)).toBe("You recalled a message");
  });
});

describe("languages", () => {
  const shapeOf = (value: unknown): unknown =>
    typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, of]) => [key, shapeOf(of)]))
      : "sentence";
  const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/gu))].sort();
  const pairs = (one: unknown, other: unknown): [string, string][] =>
    typeof one === "string"
      ? [[one, other as string]]
      : Object.entries(one as object).flatMap(([key, of]) => pairs(of, (other as Record<string, unknown>)[key]));

  it("have the same sentences with the same things to fill in", () => {
    expect(shapeOf(chinese)).toEqual(shapeOf(english));
    for (const [en, zh] of pairs(english, chinese)) expect(placeholders(zh), en).toEqual(placeholders(en));
  });
});
