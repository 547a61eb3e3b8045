import type { Message } from "../../contracts/entities.ts";
import { NO_CURSORS, stateOf, storedMessage, type Cursors } from "./local-message.ts";
import { hasChangedWords, requoted } from "./quotes.ts";
import type { LocalMessage } from "./types.ts";

/**
 * The messages of a conversation between two seqs, ascending, and how they look. A change costs what it changes, not what is
 * there: windows hold 100,000 messages.
 */
export class Stretch {
  /** All there are from here on, but those deleted for the user, */
  from = 1;
  /** and up to here. */
  to = 0;
  #messages: Message[] = [];
  #shown: LocalMessage[] = [];
  readonly #me: () => string;
  #cursors = NO_CURSORS;

  constructor(me: () => string) {
    this.#me = me;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  get shown(): readonly LocalMessage[] {
    return this.#shown;
  }

  /** Those before a seq. */
  below(seq: number): Message[] {
    return this.#messages.slice(0, this.#indexOf(seq));
  }

  replace(messages: readonly Message[], from: number, to: number, cursors: Cursors): void {
    this.#cursors = cursors;
    this.#messages = [];
    this.#shown = [];
    this.#add(0, messages);
    this.from = from;
    this.to = to;
  }

  prepend(messages: readonly Message[], from: number): void {
    this.#add(0, messages);
    this.from = from;
  }

  append(messages: readonly Message[], to: number): void {
    this.#add(this.#messages.length, messages);
    this.to = Math.max(to, this.to);
  }

  /** Replaces one that is here; one that is not is put where it belongs, if `isNew`. @returns whether anything changed */
  put(message: Message, isNew: boolean): boolean {
    const isRequoted = this.#requote(message);
    const index = this.#indexOf(message.seq);
    if (this.#messages[index]?.seq === message.seq) {
      this.#messages[index] = message;
      this.#shown[index] = this.#local(message);
      return true;
    }
    if (isNew) this.#add(index, [message]);
    return isNew || isRequoted;
  }

  /** @returns whether a reply to it was here that had other words of it */
  #requote(original: Message): boolean {
    if (!hasChangedWords(original)) return false;
    let isChanged = false;
    for (let index = this.#indexOf(original.seq + 1); index < this.#messages.length; index++) {
      const reply = requoted(this.#messages[index]!, original);
      if (!reply) continue;
      this.#messages[index] = reply;
      this.#shown[index] = this.#local(reply);
      isChanged = true;
    }
    return isChanged;
  }

  /** @returns whether it was here */
  remove(messageId: string, seq: number | null): boolean {
    const index = seq === null ? this.#messages.findLastIndex((one) => one.messageId === messageId) : this.#indexOf(seq);
    if (this.#messages[index]?.messageId !== messageId) return false;
    this.#messages.splice(index, 1);
    this.#shown.splice(index, 1);
    return true;
  }

  /** Forgets what is below a seq. @returns whether anything was there */
  trim(minSeq: number): boolean {
    const count = this.#indexOf(minSeq);
    this.#messages.splice(0, count);
    this.#shown.splice(0, count);
    this.from = Math.max(this.from, minSeq);
    this.to = Math.max(this.to, minSeq - 1);
    return count > 0;
  }

  /** Others have got further: own messages up to there look different. @returns whether anything changed */
  follow(cursors: Cursors): boolean {
    const names = ["othersRead", "othersDelivered", "persistedSeq"] as const;
    const moved = names.filter((name) => cursors[name] !== this.#cursors[name]);
    if (moved.length === 0) return false;
    const after = Math.min(...moved.flatMap((name) => [cursors[name], this.#cursors[name]]));
    this.#cursors = cursors;
    const me = this.#me();
    let isChanged = false;
    for (let index = this.#indexOf(after + 1); index < this.#messages.length; index++) {
      const message = this.#messages[index]!;
      if (message.senderId !== me || this.#shown[index]!.state === stateOf(message, cursors, me)) continue;
      this.#shown[index] = this.#local(message);
      isChanged = true;
    }
    return isChanged;
  }

  #local(message: Message): LocalMessage {
    return storedMessage(message, this.#cursors, this.#me());
  }

  #add(index: number, messages: readonly Message[]): void {
    const [behind, shownBehind] = [this.#messages.splice(index), this.#shown.splice(index)];
    for (const message of messages) {
      this.#messages.push(message);
      this.#shown.push(this.#local(message));
    }
    this.#messages = behind.length > 0 ? this.#messages.concat(behind) : this.#messages;
    this.#shown = shownBehind.length > 0 ? this.#shown.concat(shownBehind) : this.#shown;
  }

  /** Of the first message at or behind a seq. */
  #indexOf(seq: number): number {
    let [low, high] = [0, this.#messages.length];
    if (high > 0 && this.#messages[high - 1]!.seq < seq) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#messages[middle]!.seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
