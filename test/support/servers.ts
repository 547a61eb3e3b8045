import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_DIR, startServers, statusOf, takeDown, whatIsMissing } from "../../scripts/servers/index.ts";
import type { KindName, Servers, Status } from "../../scripts/servers/index.ts";
import { temporaryServersFolder } from "../../scripts/servers/temporary.ts";

/** A server that all tests share: its tests take names of their own, and leave it as they found it. */
export interface SharedServer {
  /** Empty when the tests are skipped. */
  readonly url: string;
  /** For `describe(…, { skip })`: why there is no such server, and what to do. */
  readonly skip: string | false;
}

/** The folder that `scripts/test.ts` names, or that of `npm run servers` when a file is run by itself. */
const DIR = process.argv.find((arg) => arg.startsWith("--servers="))?.slice("--servers=".length) ?? DEFAULT_DIR;

const ANSWER_MS = 30_000;
const POLL_MS = 100;

/**
 * The shared server of this kind, as `scripts/test.ts` or `npm run servers up` started it.
 *
 *     const redis = await serversFor("redis");
 *     describe("the hot store on Redis", { skip: redis.skip }, () => { … redis.url … });
 *
 * @throws where CI=true and there is none: nothing is left out there
 */
export async function serversFor(kind: KindName): Promise<SharedServer> {
  const server = await settledStatus(kind);
  if (server?.state === "answers") return { url: server.url, skip: false };
  const why = server === undefined ? "was not started" : server.state === "silent" ? "does not answer" : "has stopped";
  return { url: "", skip: refuseInCi(`${kind} ${why} in ${DIR}; \`npm run servers up\` starts it or says why it cannot`) };
}

/** As it stands once it answers, or has not for long: a busy one may take its time. */
async function settledStatus(kind: KindName): Promise<Status | undefined> {
  const end = performance.now() + ANSWER_MS;
  for (;;) {
    const server = (await statusOf(DIR)).find(({ name }) => name === kind);
    if (server?.state !== "silent" || performance.now() > end) return server;
    await delay(POLL_MS);
  }
}

/**
 * For tests that start servers of their own, to kill and freeze them: why some cannot be had, or false.
 * @throws where CI=true and one cannot
 */
export async function reasonToSkip(...kinds: KindName[]): Promise<string | false> {
  const missing = await whatIsMissing(kinds);
  return missing.length > 0 && refuseInCi(missing.join("; "));
}

/** Servers of this test alone, which `await using` ends and forgets. */
export async function ownServers<K extends KindName>(...kinds: readonly K[]): Promise<Servers<K>> {
  const dir = await temporaryServersFolder();
  const forget = async (): Promise<void> => void (await takeDown(dir, { removeData: true }));
  try {
    return { ...(await startServers({ dir, kinds })), [Symbol.asyncDispose]: forget };
  } catch (error) {
    await forget();
    throw error;
  }
}

function refuseInCi(reason: string): string {
  if (process.env["CI"] === "true") throw new Error(reason);
  return reason;
}
