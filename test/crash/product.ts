import { freePort, startServer, type RunningServer } from "../support/server-process.ts";

/** The server as `npm start` runs it, always on the same port and data. */
export class Product {
  readonly #env: Record<string, string>;
  #server: RunningServer;

  constructor(env: Record<string, string>, server: RunningServer) {
    this.#env = env;
    this.#server = server;
  }

  static async start(dataDir: string): Promise<Product> {
    const env = { IM_DATA_DIR: dataDir, IM_RATE_LIMITS: "off", IM_LOG_LEVEL: "error", IM_PORT: String(await freePort()) };
    return new Product(env, await startServer(env));
  }

  get url(): string {
    return this.#server.url;
  }

  /** @returns its exit code, or the signal that ended it */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | string> {
    this.#server.child.kill(signal);
    return this.#server.ended;
  }

  async startAgain(): Promise<void> {
    this.#server = await startServer(this.#env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
