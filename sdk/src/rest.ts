import { API_PREFIX, routes, type RestAction, type Route } from "../../contracts/routes.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { ImError } from "./errors.ts";

/** An answer that takes longer has failed; the server itself gives up before. */
const ANSWER_TIMEOUT_MS = 30_000;

const byAction = new Map<string, Route>(routes.map((route) => [route.action, route]));

export interface RestOptions {
  readonly url: string;
  language(): string;
}

/** Calls actions by their REST routes. */
export class RestClient {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /**
   * @param token of open routes null
   * @throws ImError; with code 0 when there was no answer
   */
  async call<A extends RestAction>(action: A, params: Params<A>, token: string | null): Promise<Result<A>> {
    const route = byAction.get(action);
    if (!route) throw new ImError(0, `${action} has no REST route`);
    const { url, body } = requestOf(route, params as Record<string, unknown>);
    const answer = await this.#fetch(url, {
      method: route.method,
      headers: {
        "Accept-Language": this.#options.language(),
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(body !== null && { "Content-Type": "application/json" }),
      },
      ...(body !== null && { body }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    return (await readEnvelope(answer)) as Result<A>;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(this.#options.url + path, init);
    } catch (cause) {
      throw Object.assign(new ImError(0, "The server cannot be reached"), { cause });
    }
  }
}

/** Names in `{}` go into the path, the others into the query or the body. */
function requestOf(
  { method, path, action }: Route,
  params: Readonly<Record<string, unknown>>,
): { url: string; body: string | null } {
  const rest = { ...params };
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    if (typeof value !== "string" || value === "") throw new ImError(0, `${action} needs ${name}`);
    return encodeURIComponent(value);
  });
  const hasQuery = method === "GET" || method === "DELETE";
  if (!hasQuery) return { url: API_PREFIX + filled, body: JSON.stringify(rest) };
  const given = Object.entries(rest).filter(([, value]) => value !== undefined && value !== null);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return { url: API_PREFIX + filled + (query && `?${query}`), body: null };
}

async function readEnvelope(answer: Response): Promise<unknown> {
  const { status } = answer;
  let envelope: { code?: unknown; message?: unknown; data?: unknown } | null;
  try {
    envelope = (await answer.json()) as typeof envelope;
  } catch (cause) {
    throw Object.assign(new ImError(0, `The answer was not understood (HTTP ${status})`, { status }), { cause });
  }
  if (envelope?.code === 0) return envelope.data;
  const { code, message, data } = envelope ?? {};
  if (typeof code !== "number") throw new ImError(0, `The answer was not understood (HTTP ${status})`, { status });
  const help = { ...(data as Record<string, unknown> | null) };
  const seconds = Number(answer.headers.get("Retry-After"));
  if (seconds > 0) help["retryAfterMs"] ??= seconds * 1_000;
  throw new ImError(code, String(message), { status, data: help });
}
