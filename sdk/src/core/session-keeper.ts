import type { Result } from "../../../contracts/index.ts";
import { ImError } from "../errors.ts";
import type { RestClient } from "../rest.ts";
import type { Store } from "../store/port.ts";
import type { SessionRecord } from "./records.ts";

/** A token is renewed when this part of its life has passed. */
const RENEW_AFTER = 0.75;
/** A token that lives no longer than this is not used any more. */
const MARGIN_MS = 5_000;
/** An answer that takes longer is none; with the time to store it. */
const RENEWAL_MS = 35_000;
/** Codes of the server that end a session here: ended, another device's, no token at all. */
const ENDING = new Set([1004, 1009, 1010]);

type Tokens = Pick<Result<"auth.login">, "accessToken" | "refreshToken" | "expiresIn">;

export interface SessionEvents {
  /** Before tokens are renewed, which may take so long. When it throws, they are not. */
  onRenewing(forMs: number): Promise<void>;
  /** The access token was replaced. */
  onRenewed(session: SessionRecord): void;
  /** The server has ended it. */
  onEnded(reason: string): void;
}

/**
 * Keeps the tokens of the session that is signed in. One renewal at a time: the server ends a session whose refresh token comes
 * twice, so a renewal whose answer is lost ends it too. Tabs share one, since only the tab that leads renews.
 */
export class SessionKeeper {
  #session: SessionRecord | null = null;
  #renewing: { readonly refreshToken: string; readonly renewed: Promise<SessionRecord> } | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;
  readonly #store: Store;
  readonly #rest: RestClient;
  readonly #events: SessionEvents;

  constructor(store: Store, rest: RestClient, events: SessionEvents) {
    this.#store = store;
    this.#rest = rest;
    this.#events = events;
  }

  get session(): SessionRecord | null {
    return this.#session;
  }

  async load(): Promise<void> {
    this.#session = ((await this.#store.get("meta", ["session"])) as SessionRecord | undefined) ?? null;
    this.#plan();
  }

  /** @throws StoreError, and then nobody is signed in */
  async adopt({ user, ...tokens }: Tokens & { user: SessionRecord["me"] }): Promise<void> {
    const session = { me: user, ...timed(tokens) };
    await this.#store.write([
      { table: "meta", key: ["owner"], put: user.userId },
      { table: "meta", key: ["session"], put: session },
    ]);
    this.#session = session;
    this.#plan();
  }

  async setMe(me: SessionRecord["me"]): Promise<void> {
    if (this.#session) await this.#keep({ ...this.#session, me });
  }

  /** Uses it no more. */
  drop(): void {
    this.#session = null;
    this.#plan();
  }

  async forget(): Promise<void> {
    this.drop();
    await this.#store.write([{ table: "meta", delete: ["session"] }]);
  }

  /**
   * A token that will do for now.
   * @param refused one that the server has just refused: it is renewed, unless it was in the meantime
   * @throws ImError 1004 when nobody is signed in any more; code 0 when the server cannot be reached
   */
  async token(refused?: string): Promise<string> {
    const session = this.#session;
    if (!session) throw new ImError(1004, "Nobody is signed in");
    if (session.accessToken !== refused && session.expiresAt > Date.now() + MARGIN_MS) return session.accessToken;
    return (await this.#renewOnce(session)).accessToken;
  }

  /** Renews no more. Resolves when what was under way is stored: whoever goes on from the store would use the old tokens again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#plan();
    await this.#renewing?.renewed.catch(() => undefined);
  }

  #renewOnce(session: SessionRecord): Promise<SessionRecord> {
    if (this.#isStopped) return Promise.reject(new ImError(0, "The client was stopped"));
    const { refreshToken } = session;
    if (this.#renewing?.refreshToken === refreshToken) return this.#renewing.renewed;
    const renewing = { refreshToken, renewed: this.#renew(session) };
    this.#renewing = renewing;
    const done = (): void => {
      if (this.#renewing === renewing) this.#renewing = null;
    };
    renewing.renewed.then(done, done);
    return renewing.renewed;
  }

  async #renew({ refreshToken }: SessionRecord): Promise<SessionRecord> {
    const isCurrent = (): boolean => this.#session?.refreshToken === refreshToken;
    try {
      await this.#events.onRenewing(RENEWAL_MS);
      const tokens = await this.#rest.call("auth.refresh", { refreshToken }, null);
      if (!this.#session || !isCurrent()) throw new ImError(1004, "Signed out meanwhile");
      const renewed = { me: this.#session.me, ...timed(tokens) };
      // A store that refuses it keeps nobody from going on: the next renewal, or sign-in, writes again.
      await this.#keep(renewed).catch(() => undefined);
      this.#events.onRenewed(renewed);
      return renewed;
    } catch (error) {
      if (error instanceof ImError && ENDING.has(error.code) && isCurrent()) this.#events.onEnded("session_ended");
      throw error;
    }
  }

  async #keep(session: SessionRecord): Promise<void> {
    this.#session = session; // first: what was replaced at the server must not be used again, be the store broken
    this.#plan();
    await this.#store.write([{ table: "meta", key: ["session"], put: session }]);
  }

  /** Renews ahead of time, so that no request has to wait; one that fails is made up for by the next that needs a token. */
  #plan(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const session = this.#session;
    if (!session || this.#isStopped) return;
    const ms = Math.max(1_000, (session.expiresAt - Date.now()) * RENEW_AFTER);
    this.#timer = setTimeout(
      () => {
        this.#renewOnce(session).catch(() => undefined);
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    unref(this.#timer);
  }
}

const timed = ({ accessToken, refreshToken, expiresIn }: Tokens) => ({
  accessToken,
  refreshToken,
  expiresAt: Date.now() + expiresIn * 1_000,
});

/** A timer of ours keeps no process alive. */
export function unref(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === "object" && "unref" in timer) timer.unref();
}
