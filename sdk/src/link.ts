import { Core, type Command, type Commands, type CoreDeps } from "./core/core.ts";
import type { Change } from "./core/records.ts";
import { ImError } from "./errors.ts";

/** An answer of the tab that leads that takes longer is none. */
const ANSWER_TIMEOUT_MS = 40_000;

/** The way to the core, be it in this tab or in another. */
export interface Link {
  start(): Promise<void>;
  /** @throws ImError */
  ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>>;
  stop(): Promise<void>;
}

export interface LinkDeps extends Omit<CoreDeps, "publish"> {
  onChange(change: Change): void;
  /** Another tab leads from now on: what the one before it told may have been lost. */
  onNewLead(): void;
}

/** A core of one's own. */
export class OwnLink implements Link {
  readonly #core: Core;

  constructor({ onChange, ...deps }: LinkDeps) {
    this.#core = new Core({ ...deps, publish: onChange });
  }

  start(): Promise<void> {
    return this.#core.start();
  }

  ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>> {
    return callCore(this.#core, command, args);
  }

  stop(): Promise<void> {
    return this.#core.stop();
  }
}

async function callCore<C extends Command>(
  core: Core,
  command: C,
  args: Parameters<Commands[C]>,
): Promise<ReturnType<Commands[C]>> {
  const handler = core.handlers[command] as (...given: Parameters<Commands[C]>) => ReturnType<Commands[C]>;
  return await handler(...args);
}

type Wire =
  | { readonly kind: "ask"; readonly id: string; readonly command: Command; readonly args: unknown[] }
  | { readonly kind: "answer"; readonly id: string; readonly result?: unknown; readonly error?: WireError }
  | { readonly kind: "change"; readonly change: Change }
  | { readonly kind: "lead" };
interface WireError {
  readonly code: number;
  readonly message: string;
  readonly status: number;
  readonly data: Record<string, unknown> | null;
}
interface Pending {
  readonly ask: Wire & { readonly kind: "ask" };
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/**
 * One core for all tabs of one store: the tab that holds the lock has it, the others ask it over a channel. When that tab goes,
 * the next one takes over and is asked what was not answered; commands can be repeated without harm.
 */
export class TabsLink implements Link {
  readonly #deps: LinkDeps;
  readonly #channel: BroadcastChannel;
  readonly #name: string;
  readonly #pending = new Map<string, Pending>();
  readonly #ending = new AbortController();
  readonly #tab = crypto.randomUUID();
  #asked = 0;
  #core: Core | null = null;
  #release: (() => void) | null = null;
  #held: Promise<unknown> = Promise.resolve();

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#name = `moleculer-im:${deps.store.name}`;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: { data: Wire }) => this.#heard(data);
    (this.#channel as { unref?: () => void }).unref?.();
  }

  /** Resolves when a tab leads, this one or another. */
  async start(): Promise<void> {
    const first = this.ask("hello");
    this.#held = navigator.locks
      .request(this.#name, { signal: this.#ending.signal }, () => this.#lead())
      .catch((error: unknown) => {
        if (!this.#ending.signal.aborted) for (const { reject } of this.#pending.values()) reject(error);
      });
    await first;
  }

  async ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>> {
    if (this.#ending.signal.aborted) throw new ImError(0, "The client was stopped");
    if (this.#core) return callCore(this.#core, command, args);
    const id = `${this.#tab}:${++this.#asked}`;
    const answer = new Promise<unknown>((resolve, reject) => {
      const ask = { kind: "ask", id, command, args } as const;
      this.#pending.set(id, { ask, resolve, reject });
      this.#post(ask);
    });
    const timer = setTimeout(() => this.#pending.get(id)?.reject(new ImError(0, "No tab answered")), ANSWER_TIMEOUT_MS);
    try {
      return (await answer) as ReturnType<Commands[C]>;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    for (const { reject } of this.#pending.values()) reject(new ImError(0, "The client was stopped"));
    await this.#core?.stop();
    this.#core = null;
    this.#release?.();
    await this.#held;
    this.#channel.close();
  }

  async #lead(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const core = new Core({ ...this.#deps, publish: (change) => this.#publish(change) });
    await core.start();
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    if (this.#ending.signal.aborted) return core.stop();
    this.#core = core;
    this.#post({ kind: "lead" });
    this.#deps.onNewLead();
    for (const { ask, resolve, reject } of [...this.#pending.values()])
      callCore(core, ask.command, ask.args as never).then(resolve, reject);
    await released;
  }

  #publish(change: Change): void {
    this.#post({ kind: "change", change });
    this.#deps.onChange(change);
  }

  #post(wire: Wire): void {
    if (!this.#ending.signal.aborted) this.#channel.postMessage(wire);
  }

  #heard(wire: Wire): void {
    switch (wire.kind) {
      case "change":
        return this.#deps.onChange(wire.change);
      case "lead":
        for (const { ask } of this.#pending.values()) this.#post(ask);
        return this.#deps.onNewLead();
      case "answer": {
        const pending = this.#pending.get(wire.id);
        if (wire.error) pending?.reject(new ImError(wire.error.code, wire.error.message, wire.error));
        else pending?.resolve(wire.result);
        return;
      }
      case "ask":
        if (this.#core) void this.#answer(this.#core, wire);
    }
  }

  async #answer(core: Core, { id, command, args }: Wire & { kind: "ask" }): Promise<void> {
    try {
      this.#post({ kind: "answer", id, result: await callCore(core, command, args as never) });
    } catch (error) {
      const { code, status, data } = error instanceof ImError ? error : { code: 0, status: 0, data: null };
      this.#post({ kind: "answer", id, error: { code, status, data, message: (error as Error).message } });
    }
  }
}
