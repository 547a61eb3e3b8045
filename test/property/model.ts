import assert from "node:assert/strict";
import type { Message } from "../../contracts/entities.ts";
import type { Listed, Walk } from "../chaos/history.ts";
import {
  clear,
  headOf,
  isVisible,
  memberFrom,
  moveTo,
  visible,
  type ModelConversation,
  type ModelMember,
  type ModelMessage,
} from "./model-state.ts";
import { assertItems, assertList, assertPage, assertSent, type Page } from "./model-views.ts";
import type { Task } from "./perform.ts";
import type { World, WorldConversation } from "./world.ts";

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
          then: (page: Page) => assertPage(task, conversation, member, page),
        }));
      case "walk":
        return this.#inConversation(task, (conversation, member) => ({
          code: OK,
          then: ({ pages, direction }: Walk) => {
            const items = (direction === "up" ? pages : pages.toReversed()).flatMap((page) => page.items);
            assertItems(items, visible(conversation, member));
          },
        }));
      case "list":
        return { code: OK, then: (items: Listed[]) => assertList(this.#conversations, task, items) };
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
