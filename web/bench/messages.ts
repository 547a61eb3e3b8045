import type { LocalMessage } from "@moleculer-im/client";

const MINUTE_MS = 60_000;
const BEGIN = Date.UTC(2026, 0, 1);
export const ME = "1";
export const PEOPLE = ["1", "2", "3", "4", "5", "6", "7", "8"] as const;

const WORDS =
  "the meeting moved to Thursday because half of the team travels and nobody wants to decide this without them so please look at the draft before and write what is missing".split(
    " ",
  );
const MARKDOWN = [
  "**Plan** for the week\n\n- [x] write the draft\n- [ ] ask _everybody_\n- [ ] send it to `team@example.com`",
  "```ts\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n```\nThis is **all** there is.",
  "| day | who | what |\n|---|:-:|--:|\n| Mon | Ann | draft |\n| Tue | Bob | review |",
  "> It was said before\n\n1. first\n2. second\n   1. nested\n   2. again",
];

/** The same numbers each time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function words(roll: () => number, count: number): string {
  return Array.from({ length: count }, () => WORDS[Math.floor(roll() * WORDS.length)]).join(" ");
}

type Kind = Pick<LocalMessage, "type" | "content"> & Partial<LocalMessage>;

/** As people write: text mostly, short mostly, and some of everything else. */
function kindOf(roll: () => number, index: number): Kind {
  const text = (of: string): Kind => ({ type: "text", content: { text: of } });
  const share = roll();
  if (share < 0.4) return text(words(roll, 1 + Math.floor(roll() * 8)));
  if (share < 0.6) return text(words(roll, 10 + Math.floor(roll() * 40)));
  if (share < 0.65) return text(`${words(roll, 4)} https://example.com/page/${index}?q=1 ${words(roll, 3)}`);
  if (share < 0.7) return text(["👍", "😂😂", "🎉 🎉"][index % 3]!);
  if (share < 0.78) return { type: "markdown", content: { text: MARKDOWN[index % MARKDOWN.length]! } };
  if (share < 0.8)
    return { type: "location", content: { latitude: 31.2304, longitude: 121.4737, title: "Park", address: words(roll, 6) } };
  if (share < 0.82) return { type: "card", content: { userId: PEOPLE[index % PEOPLE.length]! } };
  if (share < 0.84) return { type: "forward", content: { title: "Chat history", items: snapshots(roll) } };
  if (share < 0.86) return { type: "image", content: { fileId: "1", width: 800, height: 600, size: 345_678 } };
  if (share < 0.88) return { type: "file", content: { fileId: "1", name: "plan.pdf", size: 1_234_567 } };
  if (share < 0.9) return { type: "system", senderId: "0", content: { event: "member.joined", actorId: "2", userIds: ["3"] } };
  if (share < 0.91) return { type: "text", content: {}, recalledAt: BEGIN };
  if (share < 0.95) {
    const replyTo = { messageId: "1", seq: 1, senderId: "2", type: "text" as const, preview: words(roll, 12) };
    return { ...text(words(roll, 6)), replyTo };
  }
  return {
    ...text(`@Person 1 ${words(roll, 6)}`),
    mentions: [ME],
    reactions: [{ emoji: "👍", count: 3, userIds: ["2", "3", "4"] }],
  };
}

function snapshots(roll: () => number): unknown[] {
  return Array.from({ length: 5 }, (_, index) => ({
    senderId: "2",
    senderName: "Person 2",
    type: "text",
    content: { text: words(roll, 8) },
    createdAt: BEGIN + index,
  }));
}

/** `count` messages of several people over months. */
export function makeMessages(count: number): LocalMessage[] {
  const roll = dice(7);
  let createdAt = BEGIN;
  let senderId: string = ME;
  return Array.from({ length: count }, (_, index) => {
    createdAt += roll() < 0.6 ? MINUTE_MS / 2 : Math.floor(roll() * 30) * MINUTE_MS;
    if (roll() < 0.5) senderId = PEOPLE[Math.floor(roll() * PEOPLE.length)]!;
    return {
      key: `key-${index}`,
      messageId: String(index + 1),
      conversationId: "g_1",
      seq: index + 1,
      senderId,
      clientMsgId: `client-${index}`,
      createdAt,
      state: senderId === ME ? "read" : "received",
      ...kindOf(roll, index),
    };
  });
}
