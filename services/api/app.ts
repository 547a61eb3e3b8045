import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import helmet from "helmet";
import { PREFLIGHT_MAX_AGE_S } from "../../config/http-limits.ts";
import { API_PREFIX, type Route } from "../../contracts/routes.ts";
import type { AddressReader } from "../../lib/client-address.ts";
import { imError } from "../../lib/errors.ts";
import type { OriginCheck } from "../../lib/origins.ts";
import { answerError, type ErrorLogger } from "./answer.ts";
import { beginRequest, infoOf, type RequestInfo } from "./request-info.ts";
import { compileRoutes } from "./route-table.ts";

export interface AppDeps {
  readonly routes: readonly Route[];
  readonly addressOf: AddressReader;
  readonly isAllowedOrigin: OriginCheck;
  /** @throws RATE_LIMITED */
  limitAddress(req: Request): Promise<void>;
  /** Pages that stand outside the API. */
  readonly documents: RequestHandler;
  /** The client for browsers. */
  readonly webClient: RequestHandler;
  /** moleculer-web: takes requests whose route was found. */
  readonly gateway: RequestHandler;
  onFinish(info: RequestInfo, method: string, status: number): void;
  readonly logger: ErrorLogger;
}

/** JSON is never a page: nothing may be loaded or framed. */
export const API_POLICY = { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] };

/**
 * The way of a REST request: headers, OPTIONS, the published pages and the web client, then is there such a route, does its
 * address come too often, and on to moleculer-web for the rest (who is it, do they come too often, params, action).
 */
export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").disable("query parser").enable("strict routing").enable("case sensitive routing");
  app.use((req, res, next) => {
    const info = beginRequest(req, res, deps.addressOf);
    res.once("finish", () => deps.onFinish(info, req.method, res.statusCode));
    next();
  });
  app.use(
    helmet({ contentSecurityPolicy: { useDefaults: false, directives: API_POLICY }, referrerPolicy: { policy: "no-referrer" } }),
  );
  app.use(cors(deps.isAllowedOrigin));
  app.use(checkUrl);
  app.use(deps.documents);
  app.use(deps.webClient);
  app.use(findRoute(deps.routes));
  app.use((req, _res, next) => {
    deps.limitAddress(req).then(() => next(), next);
  });
  app.use(deps.gateway);
  app.use(notFound);
  app.use(answerErrors(deps.logger));
  return app;
}

/** OPTIONS is answered here: moleculer-web would run the action. Foreign pages get no permission to read any answer. */
function cors(isAllowedOrigin: OriginCheck): RequestHandler {
  return (req, res, next) => {
    const { origin, host } = req.headers;
    res.vary("Origin");
    if (origin !== undefined && isAllowedOrigin(origin, host)) {
      res.setHeader("Access-Control-Allow-Origin", origin);
      res.setHeader("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
      if (req.method === "OPTIONS") {
        res.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
        res.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept-Language, X-Request-Id");
        res.setHeader("Access-Control-Max-Age", String(PREFLIGHT_MAX_AGE_S));
      }
    }
    if (req.method === "OPTIONS") res.status(204).end();
    else next();
  };
}

function checkUrl(req: Request, _res: Response, next: NextFunction): void {
  // Of two hosts a proxy may have gone by the other one.
  if ((req.headersDistinct["host"]?.length ?? 0) > 1) return next(imError("MALFORMED_REQUEST"));
  try {
    decodeURIComponent(req.originalUrl);
    next();
  } catch {
    next(imError("MALFORMED_REQUEST"));
  }
}

function findRoute(routes: readonly Route[]): RequestHandler {
  const match = compileRoutes(routes);
  return (req, _res, next) => {
    const found = match(req.originalUrl.split("?", 1)[0] ?? "");
    if (!found) return next(imError("ROUTE_NOT_FOUND"));
    const route = found.methods.get(req.method);
    if (!route) return next(imError("METHOD_NOT_ALLOWED", { allowed: [...found.methods.keys()] }));
    Object.assign(infoOf(req), { route, pathParams: found.pathParams });
    next();
  };
}

const notFound: RequestHandler = (_req, _res, next) => next(imError("ROUTE_NOT_FOUND"));

function answerErrors(logger: ErrorLogger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => answerError(req, res, error, logger);
}

/** Label of a request's metrics: the pattern, never the path, so that the labels stay few. */
export const routeLabel = ({ route }: RequestInfo): string => (route ? API_PREFIX + route.path : "other");
