import { backoffMs } from "./backoff.ts";
import { Core, type Command, type Commands } from "./core/core.ts";
import type { Change } from "./core/records.ts";
import { ImError } from "./errors.ts";
import { callCore, OwnLink, type Link, type LinkDeps } from "./link.ts";
import { canLock, fenced, holdLock } from "./lock.ts";
import type { Held } from "./lease.ts";
import { uniqueText } from "./unique-text.ts";

/** An answer of the tab that leads that takes longer is none. */
const ANSWER_TIMEOUT_MS = 40_000;

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
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** @param tabs whether others share the store; in a browser they do, unless it is said */
export function openLink(tabs: boolean | undefined, deps: LinkDeps): Link {
  const isBrowser = typeof window === "object" && canLock() && typeof BroadcastChannel === "function";
  return (tabs ?? isBrowser) ? new TabsLink(deps) : new OwnLink(deps);
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
  readonly #tab = uniqueText();
  #asked = 0;
  #core: Core | null = null;
  #release: (() => void) | null = null;
  #held: Promise<void> = Promise.resolve();

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#name = `moleculer-im:${deps.store.name}`;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: { data: Wire }) => this.#heard(data);
    (this.#channel as { unref?: () => void }).unref?.();
  }

  /** Resolves when a tab leads, this one or another. @throws what this one could not lead with */
  async start(): Promise<void> {
    const first = this.ask("hello");
    this.#held = this.#standBy();
    await first;
  }

  async ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>> {
    if (this.#isEnding) throw stopped();
    if (this.#core) return callCore(this.#core, command, args);
    const id = `${this.#tab}:${++this.#asked}`;
    const answer = new Promise<unknown>((resolve, reject) => {
      const ask = { kind: "ask", id, command, args } as const;
      this.#post(ask);
      this.#pending.set(id, { ask, resolve, reject });
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
    this.#rejectAll(stopped());
    await this.#leave();
    await this.#held;
    this.#channel.close();
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Leads whenever nobody else does. One that cannot, or whose lock was taken away, stands in line again. */
  async #standBy(): Promise<void> {
    for (let tries = 1; !this.#isEnding; tries++) {
      try {
        await holdLock(this.#name, this.#ending.signal, (held) => this.#lead(held));
      } catch (error) {
        await this.#leave();
        if (this.#isEnding) return;
        this.#rejectAll(error);
        void this.#hearConnection();
        await this.#pause(backoffMs(tries));
      }
    }
  }

  /** One that led knows only of its own connection. */
  async #hearConnection(): Promise<void> {
    const { connection } = await this.ask("hello").catch(() => ({ connection: null }));
    if (connection) this.#deps.onChange({ signals: { connection } });
  }

  async #lead(held: Held): Promise<void> {
    if (this.#isEnding) return;
    const core = new Core({
      ...this.#deps,
      store: fenced(this.#deps.store, held),
      confirmLead: (forMs) => held.confirm(forMs),
      // One that was taken over meanwhile has nothing to say.
      publish: (change) => held.isHeld() && this.#publish(change),
    });
    await core.start();
    if (this.#isEnding || !held.isHeld()) return core.stop();
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    this.#core = core;
    this.#post({ kind: "lead" });
    this.#deps.onNewLead();
    for (const { ask, resolve, reject } of [...this.#pending.values()])
      callCore(core, ask.command, ask.args as never).then(resolve, reject);
    await released;
  }

  async #leave(): Promise<void> {
    const core = this.#core;
    this.#core = null;
    await core?.stop();
    this.#release?.();
    this.#release = null;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#ending.signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }

  #rejectAll(error: unknown): void {
    for (const { reject } of this.#pending.values()) reject(error);
  }

  #publish(change: Change): void {
    this.#post({ kind: "change", change });
    this.#deps.onChange(change);
  }

  #post(wire: Wire): void {
    if (!this.#isEnding) this.#channel.postMessage(wire);
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

const stopped = (): ImError => new ImError(0, "The client was stopped");
