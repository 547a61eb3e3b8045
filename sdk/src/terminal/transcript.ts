import type { LocalMessage, MessageWindow } from "../types.ts";
import { messageLine, stateLine, stateMark, type Names } from "./lines.ts";

export interface TranscriptDeps {
  readonly write: (line: string) => void;
  readonly isOnline: () => boolean;
}

/** Writes what happens in one conversation: each message once, and again when it changes. */
export class Transcript {
  readonly #window: MessageWindow;
  readonly #write: (line: string) => void;
  readonly #names: Names;
  readonly #isOnline: () => boolean;
  readonly #shown = new Map<string, { readonly body: string; readonly state: string }>();

  constructor(window: MessageWindow, names: Names, { write, isOnline }: TranscriptDeps) {
    this.#window = window;
    this.#names = names;
    this.#write = write;
    this.#isOnline = isOnline;
  }

  /** Writes what is new or different since the last time. */
  update(): void {
    const { items } = this.#window;
    const start = this.#shown.size === 0 ? 0 : items.findIndex(({ key }) => this.#shown.has(key));
    const older = items.slice(0, Math.max(0, start));
    if (older.length > 0) this.#write(`-- before, from #${older[0]!.seq}`);
    for (const message of older) this.#show(message);
    if (older.length > 0) this.#write("-- end of what was before");
    for (const message of items.slice(older.length)) this.#show(message);
  }

  /** The message with this number, if it suits; without one, the last that does. */
  find(seq: number | null, suits: (message: LocalMessage) => boolean): LocalMessage | null {
    const { items } = this.#window;
    return (seq === null ? items.findLast(suits) : items.find((message) => message.seq === seq && suits(message))) ?? null;
  }

  #show(message: LocalMessage): void {
    // Most are sent before one could read that they are on their way.
    if (message.state === "sending" && this.#isOnline()) return;
    const line = messageLine({ ...message, state: "received" }, this.#names);
    const mark = stateMark(message);
    const known = this.#shown.get(message.key);
    this.#shown.set(message.key, { body: line, state: mark });
    if (known?.body !== line) this.#write(line + mark);
    else if (known.state !== mark) this.#write(stateLine(message));
  }
}
