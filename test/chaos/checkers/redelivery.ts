import type { Checker, FinalState, StoredMessage } from "../final-state.ts";
import type { History } from "../history.ts";
import { placeOf } from "./sends.ts";
import { messagesIn } from "./views.ts";

/** I15: what was recalled, edited, deleted or erased stays so, although the original may come again. */
export const changesStay: Checker = (history, state) => [
  ...recallsStay(history, state),
  ...editsStay(history, state),
  ...deletionsStay(history, state),
  ...erasuresStay(history, state),
];

const isWithoutWords = ({ content, recalledAt }: Pick<StoredMessage, "content" | "recalledAt">): boolean =>
  content === "{}" && recalledAt !== null;

function recallsStay(history: History, { messages, histories }: FinalState): string[] {
  const recalls = new Map(
    history
      .of("recall")
      .filter(({ outcome }) => outcome === "ok")
      .map(({ messageId, ended }) => [messageId, ended!.order]),
  );
  const rows = messages
    .filter((row) => recalls.has(row.messageId) && !isWithoutWords(row))
    .map((row) => `${placeOf(row)} was recalled and has its words`);
  const read = [
    ...histories.map(({ userId, items }) => ({ who: `user ${userId}`, items, since: Infinity })),
    ...history
      .of("walk")
      .flatMap(({ connection, invoked, answer }) =>
        answer ? [{ who: connection, items: answer.pages.flatMap(({ items }) => items), since: invoked.order }] : [],
      ),
  ];
  const shown = read.flatMap(({ who, items, since }) =>
    messagesIn(items)
      .filter(({ messageId, content }) => (recalls.get(messageId) ?? Infinity) < since && Object.keys(content).length > 0)
      .map((message) => `${who} reads ${placeOf(message)} after its recall`),
  );
  return [...rows, ...shown];
}

function editsStay(history: History, { messages }: FinalState): string[] {
  const edits = Map.groupBy(history.of("edit"), ({ messageId }) => messageId);
  return messages.flatMap((row) => {
    const ofIt = edits.get(row.messageId) ?? [];
    if (row.recalledAt !== null || !ofIt.some(({ outcome }) => outcome === "ok")) return [];
    const texts = ofIt.filter(({ outcome }) => outcome !== "failed").map(({ text }) => JSON.stringify({ text }));
    return texts.includes(row.content) ? [] : [`${placeOf(row)} was edited and says ${row.content}`];
  });
}

function deletionsStay(history: History, { members }: FinalState): string[] {
  const byUser = new Map(members.map((member) => [`${member.userId} ${member.conversationId}`, member]));
  return history
    .of("delete")
    .filter(({ outcome }) => outcome === "ok")
    .flatMap(({ userId, conversationId, seq }) => {
      const member = byUser.get(`${userId} ${conversationId}`);
      const isGone = member !== undefined && (seq < member.minSeq || member.hidden.includes(seq));
      return isGone ? [] : [`${placeOf({ conversationId, seq })} was deleted by user ${userId} and is there for them`];
    });
}

function erasuresStay(history: History, { messages }: FinalState): string[] {
  const erased = new Set(
    history
      .of("erase")
      .filter(({ outcome }) => outcome === "ok")
      .map(({ userId }) => userId),
  );
  return messages
    .filter((row) => erased.has(row.senderId) && row.type !== "void" && !isWithoutWords(row))
    .map((row) => `${placeOf(row)} has the words of user ${row.senderId}, who is erased`);
}
