import type { OwnUser } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import { ImError } from "../errors.ts";
import type { RestClient } from "../rest.ts";
import type { Picture } from "./picture.ts";
import type { Change, SessionRecord } from "./records.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface AccountDeps {
  readonly picture: Picture;
  readonly session: SessionKeeper;
  readonly rest: RestClient;
  readonly publish: (change: Change) => void;
  /** Nothing is asked of the server any more, nor heard from it. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/**
 * Who is signed in here. One change at a time, each of which ends what was under way for the session before, so that nothing of
 * one user reaches the next.
 */
export class Account {
  readonly #deps: AccountDeps;
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: AccountDeps) {
    this.#deps = deps;
  }

  /** Goes on as whoever signed in. What is stored of another user goes. @throws StoreError, and then nobody is signed in */
  adopt(login: Result<"auth.login">): Promise<void> {
    return this.#inTurn(async () => {
      const { picture, session, publish, resume } = this.#deps;
      this.#end();
      session.drop();
      try {
        const owner = await picture.store.get("meta", ["owner"]);
        if (owner !== undefined && owner !== login.user.userId) await this.#forget();
        await session.adopt(login);
      } catch (error) {
        session.drop();
        publish({ signals: { session: { me: null, reason: "signed_out" } } });
        throw error;
      }
      publish({ signals: { session: { me: login.user, reason: null } } });
      resume();
    });
  }

  /** Signs out and forgets all that is stored. The server is told, as far as it can be. @throws ImError when `all` and it cannot */
  signOut(all: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const { session } = this.#deps;
      const of = session.session;
      if (of && all) await this.#endEverywhere();
      this.#end();
      try {
        await session.forget();
        await this.#forget();
      } finally {
        if (of) this.#tell("signed_out");
      }
      if (of && !all) void this.#tellServer(of).catch(() => undefined); // it ends by itself in the end
    });
  }

  /** The server has ended the session. What is stored waits for the same user. */
  ended(reason: string): void {
    const { picture, session, pause } = this.#deps;
    if (!session.session) return;
    pause();
    const { era } = picture;
    void this.#inTurn(async () => {
      if (era !== picture.era) return; // somebody has signed in or out since
      this.#end();
      await session.forget().catch(() => undefined); // what the store keeps of it is refused when it is used
      this.#tell(reason);
    });
  }

  /** The profile of who is signed in. */
  setMe(me: OwnUser): Promise<void> {
    return this.#inTurn(async () => {
      const { session, publish } = this.#deps;
      const known = session.session?.me;
      if (known?.userId !== me.userId || JSON.stringify(known) === JSON.stringify(me)) return;
      await session.setMe(me);
      publish({ signals: { session: { me, reason: null } } });
    });
  }

  /** While it is asked the connection is closed: its end would look like one from elsewhere. */
  async #endEverywhere(): Promise<void> {
    const { session, rest, pause, resume } = this.#deps;
    pause();
    try {
      await rest.call("auth.logout", { all: true }, await session.token());
    } catch (error) {
      if (session.session) resume();
      if (!(error instanceof ImError) || error.code !== 1004) throw error; // over already
    }
  }

  async #tellServer({ accessToken, refreshToken, expiresAt }: SessionRecord): Promise<void> {
    const { rest } = this.#deps;
    const isFresh = expiresAt > Date.now() + 5_000;
    const token = isFresh ? accessToken : (await rest.call("auth.refresh", { refreshToken }, null)).accessToken;
    await rest.call("auth.logout", {}, token);
  }

  #end(): void {
    this.#deps.pause();
    this.#deps.picture.endEra();
  }

  #tell(reason: string): void {
    this.#deps.publish({ signals: { session: { me: null, reason } } });
  }

  /** Everything of the user who was here, with what is on its way. */
  async #forget(): Promise<void> {
    const { picture, publish } = this.#deps;
    await picture.transact(async (tx) => {
      tx.reset();
      for (const clientMsgId of picture.outbox.keys()) tx.dropOutbox(clientMsgId);
      tx.put("meta", "owner", undefined);
    });
    publish({ signals: { friends: [], groups: [] } });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    this.#last = run.catch(() => undefined);
    return run;
  }
}
