import { API_PREFIX } from "../contracts/routes.ts";

/** An answer that was no success. */
export class RestError extends Error {
  readonly code: number;

  constructor(request: string, code: number, message: string) {
    super(`${request}: ${message} (${code})`);
    this.code = code;
  }
}

interface Envelope {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

/** Calls the REST API of a server as one user, or as nobody. */
export class RestClient {
  readonly #url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null = null) {
    this.#url = url;
    this.#token = token;
  }

  as(token: string): RestClient {
    return new RestClient(this.#url, token);
  }

  get<T>(path: string): Promise<T> {
    return this.#call<T>("GET", path);
  }

  post<T>(path: string, body?: object): Promise<T> {
    return this.#call<T>("POST", path, body);
  }

  put<T>(path: string, body?: object): Promise<T> {
    return this.#call<T>("PUT", path, body);
  }

  /** @returns `data` of the answer. @throws RestError, or an Error when the server cannot be reached */
  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = {
      ...(this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` }),
      ...(body ? { "Content-Type": "application/json" } : {}),
    };
    const response = await fetch(`${this.#url}${API_PREFIX}${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    }).catch((error: unknown) => {
      throw new Error(`${this.#url} does not answer`, { cause: error });
    });
    const { code, message, data } = (await response.json()) as Envelope;
    if (code !== 0) throw new RestError(`${method} ${path}`, code, message);
    return data as T;
  }
}

/** Whether a server of ours, ready to serve, is at this address. */
export async function isAnswering(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`);
    return response.ok && ((await response.json()) as { status?: unknown }).status === "ok";
  } catch {
    return false;
  }
}
