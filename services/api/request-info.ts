import type { IncomingMessage, ServerResponse } from "node:http";
import type { Language } from "../../contracts/meta.ts";
import type { Route } from "../../contracts/routes.ts";
import type { AddressReader } from "../../lib/client-address.ts";
import { languageOf } from "../../lib/language.ts";
import { requestIdOf } from "../../lib/request-id.ts";

/** What the edge knows of a request. */
export interface RequestInfo {
  readonly requestId: string;
  /** What the client asked for, if it did. */
  readonly language: Language | undefined;
  readonly address: string;
  readonly startedAt: number;
  /** Set once the path and method were found. */
  route: Route | null;
  pathParams: Readonly<Record<string, string>>;
}

const infos = new WeakMap<IncomingMessage, RequestInfo>();

/**
 * Begins a request: gives it an id, which its answer carries as well. Headers that moleculer-web would act on by itself are
 * replaced or taken away.
 */
export function beginRequest(req: IncomingMessage, res: ServerResponse, addressOf: AddressReader): RequestInfo {
  const info: RequestInfo = {
    requestId: requestIdOf(req.headers["x-request-id"]),
    language: languageOf(req.headers["accept-language"]),
    address: addressOf(req.socket.remoteAddress, req.headers["x-forwarded-for"]),
    startedAt: performance.now(),
    route: null,
    pathParams: {},
  };
  req.headers["x-request-id"] = info.requestId;
  delete req.headers["x-correlation-id"];
  res.setHeader("X-Request-Id", info.requestId);
  infos.set(req, info);
  return info;
}

/** @throws when `beginRequest` did not see the request */
export function infoOf(req: IncomingMessage): RequestInfo {
  const info = infos.get(req);
  if (!info) throw new Error("The request was never begun");
  return info;
}
