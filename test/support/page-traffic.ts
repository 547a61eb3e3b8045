import type { Page, Request } from "playwright-core";

/** A page that asked for and heard of nothing for so long asks for nothing more by itself. */
const QUIET_MS = 100;
/** An answer on a socket: Socket.IO's packet type 3 in Engine.IO's type 4. The first one is that to the client's sync. */
const ANSWER = "43";

/** What goes between a page, since it was loaded, and its server. */
export class PageTraffic {
  readonly #open = new Set<Request>();
  #loads = 0;
  #isSynced = false;
  #changedAt = 0;

  constructor(page: Page) {
    page.on("request", (request) => {
      if (request.isNavigationRequest() && request.frame() === page.mainFrame()) this.#load();
      this.#open.add(request);
      this.#changed();
    });
    for (const end of ["requestfinished", "requestfailed"] as const)
      page.on(end as "requestfinished", (request) => this.#ended(request));
    page.on("websocket", (socket) => {
      const load = this.#loads;
      socket.on("framereceived", ({ payload }) => {
        this.#changed();
        if (load === this.#loads && String(payload).startsWith(ANSWER)) this.#isSynced = true;
      });
    });
  }

  /** The client has the answer to its sync, nothing else is waited for, and nothing came for a while. */
  get isQuiet(): boolean {
    return this.#isSynced && this.#open.size === 0 && performance.now() - this.#changedAt > QUIET_MS;
  }

  /** What the page before it was waiting for does not come any more. */
  #load(): void {
    this.#loads++;
    this.#isSynced = false;
    this.#open.clear();
  }

  #ended(request: Request): void {
    this.#open.delete(request);
    this.#changed();
  }

  #changed(): void {
    this.#changedAt = performance.now();
  }
}
