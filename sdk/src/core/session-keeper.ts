import type { Result } from "../../../contracts/index.ts";
import { ImError } from "../errors.ts";
import type { RestClient } from "../rest.ts";
import type { Store } from "../store/port.ts";
import type { SessionRecord } from "./records.ts";

/** A token is renewed when this part of its life has passed. */
const RENEW_AFTER = 0.75;
/** Codes of the server that end a session here: ended, another device's, no token at all. */
const ENDING = new Set([1004, 1009, 1010]);

type Tokens = Pick<Result<"auth.login">, "accessToken" | "refreshToken" | "expiresIn">;

export interface SessionEvents {
  /** The access token was replaced. */
  onRenewed(session: SessionRecord): void;
  /** The server has ended it. */
  onEnded(reason: string): void;
}

/**
 * Keeps the tokens of the session that is signed in. One renewal at a time: the server ends a session whose refresh token comes
 * twice. Tabs share one, since only the tab that leads renews.
 */
export class SessionKeeper {
  #session: SessionRecord | null = null;
  #renewing: Promise<SessionRecord> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
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

  async adopt({ user, ...tokens }: Tokens & { user: SessionRecord["me"] }): Promise<SessionRecord> {
    const session = { me: user, ...timed(tokens) };
    await this.#keep(session);
    return session;
  }

  async setMe(me: SessionRecord["me"]): Promise<void> {
    if (this.#session) await this.#keep({ ...this.#session, me });
  }

  async forget(): Promise<void> {
    this.#session = null;
    this.#plan();
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
    if (session.accessToken !== refused && session.expiresAt > Date.now() + 5_000) return session.accessToken;
    return (await this.renew()).accessToken;
  }

  renew(): Promise<SessionRecord> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #renew(): Promise<SessionRecord> {
    const session = this.#session;
    if (!session) throw new ImError(1004, "Nobody is signed in");
    try {
      const tokens = await this.#rest.call("auth.refresh", { refreshToken: session.refreshToken }, null);
      if (this.#session !== session && this.#session?.refreshToken !== session.refreshToken)
        throw new ImError(1004, "Signed out meanwhile");
      const renewed = { me: this.#session.me, ...timed(tokens) };
      await this.#keep(renewed);
      this.#events.onRenewed(renewed);
      return renewed;
    } catch (error) {
      if (error instanceof ImError && ENDING.has(error.code) && this.#session?.refreshToken === session.refreshToken)
        this.#events.onEnded("session_ended");
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
    this.stop();
    if (!this.#session) return;
    const ms = Math.max(1_000, (this.#session.expiresAt - Date.now()) * RENEW_AFTER);
    this.#timer = setTimeout(
      () => {
        this.renew().catch(() => undefined);
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
