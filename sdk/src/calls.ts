import type { OwnUser } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import type { RestAction } from "../../contracts/routes.ts";
import { ImError } from "./errors.ts";
import type { RestClient } from "./rest.ts";

export interface CallsDeps {
  readonly rest: RestClient;
  /** Who is signed in; "" when nobody is. */
  readonly me: () => string;
  /** @throws ImError */
  readonly token: (asked: { userId: string; refused?: string }) => Promise<string>;
  readonly setMe: (me: OwnUser) => Promise<void>;
}

/** Calls actions as whoever is signed in: with a token that holds, and never with that of somebody else. */
export class Calls {
  readonly #deps: CallsDeps;
  #token: string | null = null;

  constructor(deps: CallsDeps) {
    this.#deps = deps;
  }

  /** Another one has to be asked for. */
  forgetToken(): void {
    this.#token = null;
  }

  /** @throws ImError; 1004 too when somebody signed in or out before it was answered */
  async call<A extends RestAction>(action: A, params: Params<A>): Promise<Result<A>> {
    const { rest, me } = this.#deps;
    const userId = me();
    const token = await this.#tokenOf(userId);
    const result = await rest.call(action, params, token).catch(async (error: unknown) => {
      if (!(error instanceof ImError) || error.status !== 401 || error.code === 1002) throw error;
      // Expired, or replaced by another tab; whether the session is over, the renewal tells.
      return rest.call(action, params, await this.#tokenOf(userId, token));
    });
    this.#checkUser(userId);
    if (action === "user.me" || action === "user.updateProfile") await this.#deps.setMe(result as OwnUser);
    return result;
  }

  async #tokenOf(userId: string, refused?: string): Promise<string> {
    if (this.#token !== null && this.#token !== refused) return this.#token;
    const token = await this.#deps.token({ userId, ...(refused !== undefined && { refused }) });
    this.#checkUser(userId);
    this.#token = token;
    return token;
  }

  /** What was asked for one user is not for the next. */
  #checkUser(userId: string): void {
    if (this.#deps.me() !== userId) throw new ImError(1004, "Signed in or out meanwhile");
  }
}
