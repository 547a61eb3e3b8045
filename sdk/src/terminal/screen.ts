import readline from "node:readline";
import { Writable } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";
import { plain } from "./lines.ts";

/** The two streams of a terminal, or of pipes. */
export interface Streams {
  readonly input: NodeJS.ReadableStream & Partial<Pick<ReadStream, "isTTY" | "setRawMode">>;
  readonly output: NodeJS.WritableStream & Partial<Pick<WriteStream, "isTTY" | "columns">>;
}

/** Lines in and lines out: what is written stands above the line that is being typed. */
export class Screen {
  readonly #streams: Streams;
  readonly #reader: readline.Interface;
  readonly #shown: Shown;
  readonly #lines: string[] = [];
  #isEnded = false;
  #wake: (() => void) | null = null;

  constructor(streams: Streams) {
    this.#streams = streams;
    const terminal = streams.input.isTTY === true && streams.output.isTTY === true;
    this.#shown = new Shown(streams.output);
    this.#reader = readline.createInterface({ input: streams.input, ...(terminal && { output: this.#shown }), terminal });
    this.#reader.setPrompt("> ");
    this.#reader.on("line", (line) => this.#took(line));
    this.#reader.on("SIGINT", () => this.close());
    this.#reader.on("close", () => this.#end());
  }

  /** Somebody sits there; else lines come from a file or a program. */
  get isInteractive(): boolean {
    return this.#reader.terminal;
  }

  /** Writes one line; what others made up cannot steer the terminal. */
  write(line: string): void {
    const { output } = this.#streams;
    if (!this.isInteractive) return void output.write(`${plain(line)}\n`);
    readline.cursorTo(output, 0);
    readline.clearLine(output, 0);
    output.write(`${plain(line)}\n`);
    if (!this.#isEnded) this.#reader.prompt(true);
  }

  /** The next line; null at the end of the input. */
  async read(): Promise<string | null> {
    if (this.isInteractive && !this.#isEnded && this.#lines.length === 0) this.#reader.prompt();
    while (this.#lines.length === 0) {
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#lines.shift()!;
  }

  /** A line that is not shown while it is typed. */
  async readSecret(prompt: string): Promise<string | null> {
    if (!this.isInteractive) return this.read();
    this.#streams.output.write(prompt);
    this.#shown.isMuted = true;
    try {
      this.#reader.setPrompt("");
      return await this.read();
    } finally {
      this.#shown.isMuted = false;
      this.#reader.setPrompt("> ");
      this.#streams.output.write("\n");
    }
  }

  /** No more lines are read, and the line that was being typed goes. */
  close(): void {
    if (this.isInteractive && !this.#isEnded) {
      readline.cursorTo(this.#streams.output, 0);
      readline.clearLine(this.#streams.output, 0);
    }
    this.#reader.close();
  }

  #took(line: string): void {
    this.#lines.push(line);
    this.#wake?.();
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }
}

/** What a reader writes to: nothing while it is muted. */
class Shown extends Writable {
  isMuted = false;
  readonly #target: Streams["output"];

  constructor(target: Streams["output"]) {
    super();
    this.#target = target;
    target.on("resize", () => this.emit("resize"));
  }

  /** Of the terminal, for lines that are longer. */
  get columns(): number | undefined {
    return this.#target.columns;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.#target.write(chunk);
    done();
  }
}
