import assert from "node:assert/strict";
import type { HistoryItem, Message } from "../../contracts/entities.ts";
import type { MessageRef } from "../support/checker/device.ts";
import type { Listed, Walk } from "../support/history.ts";
import { positionOf, type Task } from "./perform.ts";
import type { World, WorldConversation } from "./world.ts";

interface ModelMessage extends MessageRef {
  /** null: the system. */
  readonly sender: number | null;
  readonly createdAt: number;
  text: string;
  isRecalled: boolean;
  readonly likedBy: Set<string>;
}
interface ModelMember {
  isActive: boolean;
  minSeq: number;
  maxSeq: number | null;
  readonly hidden: Set<number>;
  readSeq: number;
  deliveredSeq: number;
}
interface ModelConversation {
  readonly isGroup: boolean;
  readonly messages: ModelMessage[];
  readonly members: Map<number, ModelMember>;
  readonly keys: Map<string, { message: ModelMessage; text: string }>;
}
/** What must be answered; `then` looks at the data of a success and brings the model up to it. */
interface Expectation {
  readonly code: number;
  readonly then?: (data: never) => void;
}

const OK = 0;
const VALID = { code: OK };
const refused = (code: number): Expectation => ({ code });

/** How a world behaves when one thing happens after the other. */
export class Model {
  readonly #world: World;
  readonly #conversations = new Map<string, ModelConversation>();
  readonly #blocks = new Set<string>();
  readonly #historyVisible: boolean;

  constructor(world: World, historyVisible: boolean) {
    this.#world = world;
    this.#historyVisible = historyVisible;
    for (const { conversationId, members } of world.conversations) {
      const isGroup = conversationId.startsWith("g_");
      const start = isGroup ? 1 : 0;
      this.#conversations.set(conversationId, {
        isGroup,
        messages: [],
        keys: new Map(),
        members: new Map(members.map((index) => [index, memberFrom(1, start)])),
      });
    }
  }

  messagesOf(conversation: WorldConversation): readonly ModelMessage[] {
    return this.#of(conversation).messages;
  }

  /** Adds the system messages that stand behind what the model knows. */
  async learnSystemMessages(): Promise<void> {
    for (const [conversationId, { messages }] of this.#conversations) {
      const rows = await this.#world.im.sql.select<{ message_id: string; seq: number; created_at: number; type: string }>(
        "select message_id, seq, created_at, type from message where conversation_id = :conversationId and seq > :seq order by seq",
        { conversationId, seq: messages.length },
      );
      for (const row of rows) {
        assert.equal(row.type, "system");
        messages.push({
          messageId: String(row.message_id),
          conversationId,
          seq: Number(row.seq),
          sender: null,
          createdAt: Number(row.created_at),
          text: "",
          isRecalled: false,
          likedBy: new Set(),
        });
      }
    }
  }

  expect(task: Task): Expectation {
    const { operation } = task;
    switch (operation.op) {
      case "send":
      case "repeat":
        return this.#send(task);
      case "recall":
        return this.#onMessage(task, (message, conversation) => this.#recall(task, message, conversation));
      case "edit":
        return this.#onMessage(task, (message, conversation) => this.#edit(task, message, conversation));
      case "react":
        return this.#onMessage(task, (message, conversation) => this.#react(task, message, conversation));
      case "unreact":
        return this.#onMessage(task, (message) => ({
          code: OK,
          then: () => message.likedBy.delete(task.person.userId),
        }));
      case "delete":
        return this.#onMessage(task, (message, _conversation, member) => ({
          code: OK,
          then: () => member.hidden.add(message.seq),
        }));
      case "read":
      case "delivered":
        return this.#inConversation(task, (conversation, member) => this.#moveCursor(task, conversation, member));
      case "clear":
        return this.#inConversation(task, (conversation, member) => ({ code: OK, then: () => clear(conversation, member) }));
      case "page":
        return this.#inConversation(task, (conversation, member) => ({
          code: OK,
          then: (page: Page) => this.#checkPage(task, conversation, member, page),
        }));
      case "walk":
        return this.#inConversation(task, (conversation, member) => ({
          code: OK,
          then: ({ pages, direction }: Walk) => {
            const items = (direction === "up" ? pages : pages.toReversed()).flatMap((page) => page.items);
            this.#assertItems(items, visible(conversation, member));
          },
        }));
      case "list":
        return { code: OK, then: (items: Listed[]) => this.#checkList(task, items) };
      case "kick":
        return this.#kick(task);
      case "leave":
        return this.#leave(task);
      case "join":
        return this.#join(task);
      case "block":
      case "unblock":
        return this.#block(task);
      default:
        return VALID;
    }
  }

  #of({ conversationId }: WorldConversation): ModelConversation {
    return this.#conversations.get(conversationId)!;
  }

  #group(): ModelConversation {
    return this.#of(this.#world.conversations.at(-1)!);
  }

  #inConversation(
    { conversation, person }: Task,
    then: (conversation: ModelConversation, member: ModelMember) => Expectation,
  ): Expectation {
    const found = this.#of(conversation);
    const member = found.members.get(person.index);
    return member ? then(found, member) : refused(found.isGroup ? 4001 : 3009);
  }

  #onMessage(
    task: Task,
    then: (message: ModelMessage, conversation: ModelConversation, member: ModelMember) => Expectation,
  ): Expectation {
    const conversation = this.#of(task.conversation);
    const member = conversation.members.get(task.person.index);
    const message = conversation.messages.find(({ messageId }) => messageId === task.message?.messageId);
    if (!member || !message || !isVisible(conversation, member, message.seq)) return refused(3008);
    return then(message, conversation, member);
  }

  /** Why a person may not write now; null when they may. */
  #refusal({ conversation: { members }, person }: Task, { isGroup, members: states }: ModelConversation): Expectation | null {
    if (isGroup) return states.get(person.index)?.isActive ? null : refused(4001);
    const peer = members.find((index) => index !== person.index)!;
    if (this.#blocks.has(`${person.index}>${peer}`)) return refused(3003);
    return this.#blocks.has(`${peer}>${person.index}`) ? refused(3002) : null;
  }

  #send(task: Task): Expectation {
    const { conversation: where, person, clientMsgId, text } = task;
    const conversation = this.#of(where);
    if (!conversation.members.has(person.index)) return refused(conversation.isGroup ? 4001 : 3009);
    const known = conversation.keys.get(`${person.index} ${clientMsgId}`);
    if (known && known.text !== text) return refused(3006);
    if (known) return { code: OK, then: (sent: Message) => assertSent(sent, known.message) };
    const refusal = this.#refusal(task, conversation);
    if (refusal) return refusal;
    return { code: OK, then: (sent: Message) => this.#accept(task, conversation, sent) };
  }

  #accept({ person, clientMsgId, text }: Task, conversation: ModelConversation, sent: Message): void {
    const { messageId, conversationId, seq, createdAt } = sent;
    assert.equal(seq, conversation.messages.length + 1);
    const message: ModelMessage = {
      ...{ messageId, conversationId, seq, createdAt, text },
      sender: person.index,
      isRecalled: false,
      likedBy: new Set(),
    };
    conversation.messages.push(message);
    conversation.keys.set(`${person.index} ${clientMsgId}`, { message, text });
    const member = conversation.members.get(person.index)!;
    moveTo(member, seq);
  }

  #recall({ person }: Task, message: ModelMessage, { isGroup }: ModelConversation): Expectation {
    if (!message.isRecalled && message.sender === null) return refused(3012);
    const isOwner = isGroup && person.index === 0;
    if (!message.isRecalled && message.sender !== person.index && !isOwner) return refused(3011);
    return {
      code: OK,
      then: () => {
        message.isRecalled = true;
        message.likedBy.clear();
      },
    };
  }

  #edit(task: Task, message: ModelMessage, conversation: ModelConversation): Expectation {
    if (message.sender !== task.person.index) return refused(3011);
    if (message.isRecalled) return refused(3013);
    const change = { code: OK, then: () => void (message.text = task.text) };
    return this.#refusal(task, conversation) ?? change;
  }

  #react(task: Task, message: ModelMessage, conversation: ModelConversation): Expectation {
    if (message.isRecalled) return refused(3013);
    if (message.sender === null) return refused(3012);
    const change = { code: OK, then: () => void message.likedBy.add(task.person.userId) };
    return this.#refusal(task, conversation) ?? change;
  }

  #moveCursor({ operation, seq: asked }: Task, conversation: ModelConversation, member: ModelMember): Expectation {
    return {
      code: OK,
      then: ({ seq }: { seq: number }) => {
        const target = Math.min(asked, headOf(conversation, member));
        if (operation.op === "read") moveTo(member, target);
        else member.deliveredSeq = Math.max(member.deliveredSeq, target);
        assert.equal(seq, operation.op === "read" ? member.readSeq : member.deliveredSeq);
      },
    };
  }

  #checkPage({ operation, seq: near }: Task, conversation: ModelConversation, member: ModelMember, page: Page): void {
    if (operation.op !== "page") return;
    assert.deepEqual([page.minSeq, page.maxSeq], [member.minSeq, headOf(conversation, member)]);
    const all = visible(conversation, member);
    const { position, seq } = positionOf(operation.position, near);
    const { limit } = operation;
    if (position === "newest") this.#assertItems(page.items, all.slice(-limit));
    if (position === "afterSeq") this.#assertItems(page.items, all.filter((message) => message.seq > seq).slice(0, limit));
    if (position === "beforeSeq") this.#assertItems(page.items, all.filter((message) => message.seq < seq).slice(-limit));
    if (position === "aroundSeq") this.#checkAround(page, all, seq, limit);
  }

  /** A stretch without gaps, as long as it can be, with the message in it when it is visible. */
  #checkAround({ items }: Page, all: readonly ModelMessage[], seq: number, limit: number): void {
    const start = all.findIndex((message) => message.seq === items[0]?.seq);
    this.#assertItems(items, start === -1 ? [] : all.slice(start, start + items.length));
    assert.equal(items.length, Math.min(limit, all.length));
    if (all.some((message) => message.seq === seq)) assert.ok(items.some((item) => item.seq === seq));
  }

  #assertItems(items: readonly HistoryItem[], expected: readonly ModelMessage[]): void {
    assert.deepEqual(items.map(seen), expected.map(shown));
  }

  #checkList({ person }: Task, items: readonly Listed[]): void {
    for (const [conversationId, conversation] of this.#conversations) {
      const member = conversation.members.get(person.index);
      const listed = items.find((item) => item.conversationId === conversationId);
      const head = member ? headOf(conversation, member) : 0;
      assert.equal(listed !== undefined, head > 0, `${conversationId} in the list`);
      if (!listed || !member) continue;
      const { readSeq, unread, maxSeq, lastMessage } = listed;
      assert.equal(maxSeq, head);
      assert.equal(readSeq, member.readSeq);
      const all = visible(conversation, member);
      assert.equal(lastMessage?.messageId, all.at(-1)?.messageId);
      const others = all.filter(({ sender }) => sender !== null && sender !== person.index);
      assert.equal(unread, others.filter(({ seq, isRecalled }) => seq > readSeq && !isRecalled).length);
    }
  }

  #kick({ person, whom }: Task): Expectation {
    const { members } = this.#group();
    if (!members.get(person.index)!.isActive) return refused(4001);
    if (person.index === whom.index) return this.#leaveAs(person.index);
    const isThere = members.get(whom.index)!.isActive;
    if (!isThere) return refused(4002);
    return person.index === 0 ? { code: OK, then: () => this.#end(whom.index) } : refused(4003);
  }

  #leave({ person }: Task): Expectation {
    return this.#group().members.get(person.index)!.isActive ? this.#leaveAs(person.index) : refused(4001);
  }

  #leaveAs(index: number): Expectation {
    return index === 0 ? refused(4005) : { code: OK, then: () => this.#end(index) };
  }

  /** The message that says so is the last they see. */
  #end(index: number): void {
    const { members, messages } = this.#group();
    Object.assign(members.get(index)!, { isActive: false, maxSeq: messages.length + 1 });
  }

  #join({ person }: Task): Expectation {
    const { members, messages } = this.#group();
    const before = members.get(person.index)!;
    if (before.isActive) return refused(4011);
    const seq = messages.length + 1;
    const now = { ...memberFrom(this.#historyVisible ? 1 : seq, seq), hidden: before.hidden };
    return { code: OK, then: () => void members.set(person.index, now) };
  }

  #block({ operation, person, whom }: Task): Expectation {
    if (operation.op === "block" && person.index === whom.index) return refused(2004);
    const block = `${person.index}>${whom.index}`;
    return {
      code: OK,
      then: () => void (operation.op === "block" ? this.#blocks.add(block) : this.#blocks.delete(block)),
    };
  }
}

type Page = Walk["pages"][number];

const memberFrom = (minSeq: number, cursor: number): ModelMember => ({
  isActive: true,
  minSeq,
  maxSeq: null,
  hidden: new Set(),
  readSeq: cursor,
  deliveredSeq: cursor,
});

const headOf = ({ messages }: ModelConversation, { maxSeq }: ModelMember): number => maxSeq ?? messages.length;
const isVisible = (conversation: ModelConversation, member: ModelMember, seq: number): boolean =>
  seq >= member.minSeq && seq <= headOf(conversation, member) && !member.hidden.has(seq);
const visible = (conversation: ModelConversation, member: ModelMember): ModelMessage[] =>
  conversation.messages.filter(({ seq }) => isVisible(conversation, member, seq));

/** What was read or sent was delivered too; cursors only move forward. */
function moveTo(member: ModelMember, seq: number): void {
  member.readSeq = Math.max(member.readSeq, seq);
  member.deliveredSeq = Math.max(member.deliveredSeq, seq);
}

function clear(conversation: ModelConversation, member: ModelMember): void {
  const head = headOf(conversation, member);
  member.minSeq = Math.max(member.minSeq, head + 1);
  moveTo(member, head);
}

function assertSent({ messageId, seq, createdAt }: Message, first: ModelMessage): void {
  assert.deepEqual({ messageId, seq, createdAt }, { messageId: first.messageId, seq: first.seq, createdAt: first.createdAt });
}

/** What is compared of a message. */
const shown = ({ messageId, seq, sender, text, isRecalled, likedBy }: ModelMessage): unknown => [
  seq,
  messageId,
  sender === null ? "system" : isRecalled ? "recalled" : text,
  [...likedBy].sort(),
];

function seen(item: HistoryItem): unknown {
  if (!("messageId" in item)) return item;
  const { messageId, seq, type, content, recalledAt, reactions = [] } = item;
  const words = type === "system" ? "system" : recalledAt === undefined ? content["text"] : "recalled";
  return [seq, messageId, words, reactions.flatMap(({ userIds }) => userIds).sort()];
}
