import type { Context, Service, ServiceSchema } from "moleculer";
import ApiGateway, { type IncomingRequest } from "moleculer-web";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Meta } from "../../contracts/meta.ts";
import { API_PREFIX, routes } from "../../contracts/routes.ts";
import { createAddressReader } from "../../lib/client-address.ts";
import { createOriginCheck } from "../../lib/origins.ts";
import { createRateLimiter, type RateLimiter } from "../../lib/rate-limits.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { memoryLimits } from "../../mixins/hot-store/limits-memory.ts";
import { withHttp, type HttpVars } from "../../mixins/http/index.ts";
import { withMetrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { authenticate, limitAddress, limitUser } from "./access.ts";
import { answerError, answerOk, answerStream } from "./answer.ts";
import { createApp, routeLabel } from "./app.ts";
import { createDocuments } from "./documents.ts";
import { readParams } from "./read-params.ts";
import { infoOf, type RequestInfo } from "./request-info.ts";
import { aliasPath } from "./route-table.ts";
import { createWebClient } from "./web-client.ts";
import { readWebFiles, webFolder } from "./web-files.ts";

type Vars = HotStoreVars & HttpVars & MetricsVars & { limiter: RateLimiter; unmount?: () => void };
type This = Service &
  Vars & { express(): ReturnType<typeof createDocuments>; count(info: RequestInfo, method: string, status: number): void };

/**
 * The REST edge: everything below `/api/v1`, the published documents and their page, and the web client at `/`. It answers on the
 * server it shares with Socket.IO; the probes are the server's own.
 *
 * It owns no data. A request passes, in this order: headers and OPTIONS, route (404, 405), limits of its address, access token,
 * limits of its user, params, action. The routes are exactly those of `contracts/routes.ts`; no other action can be reached.
 * Every answer is an envelope with the request's id; whatever fails becomes an entry of the error table.
 */
const api: ServiceSchema<Record<string, unknown>, Record<string, unknown>, Vars, This> = {
  name: "api",
  mixins: [ApiGateway, withHttp(), withHotStore(), withMetrics()],
  settings: {
    server: false,
    path: "/",
    logRequest: null,
    logRequestParams: null,
    logResponse: null,
    logRouteRegistration: null,
    debounceTime: 10,
    routes: [
      {
        path: API_PREFIX,
        mappingPolicy: "restrict",
        aliases: Object.fromEntries(routes.map((route) => [aliasPath(route), route.action])),
        pathToRegexpOptions: { sensitive: true, trailing: false },
        bodyParsers: false,
        mergeParams: false,
        logging: false,
        async onBeforeCall(this: This, ctx: Context<unknown, Meta>, _route: unknown, req: IncomingRequest, res: ServerResponse) {
          if (infoOf(req).route?.auth !== "open") {
            ctx.meta.caller = await authenticate(ctx, req);
            await limitUser(this.limiter, req, ctx.meta.caller);
          }
          req.$params = await readParams(req, res);
        },
      },
    ],
    rootCallOptions(options: { meta?: Meta }, req: IncomingRequest) {
      const { address, language } = infoOf(req);
      options.meta = { address, language };
    },
  },
  actions: { listAliases: false, addRoute: false, removeRoute: false },
  methods: {
    count(this: This, info: RequestInfo, method: string, status: number) {
      const route = routeLabel(info);
      const durationMs = performance.now() - info.startedAt;
      this.metrics.increment("im_http_requests_total", 1, { route, method, status });
      this.metrics.observe("im_http_request_duration_seconds", durationMs / 1_000, { route, method });
      this.logger.debug(`${method} ${route}: ${status}`, { requestId: info.requestId, durationMs: Math.round(durationMs) });
    },
    /** In the place of moleculer-web's, which logs the data of errors and answers without our envelope. */
    errorHandler(this: This, req: IncomingRequest, res: ServerResponse, error: unknown) {
      answerError(req, res, error, this.logger);
    },
    sendResponse(this: This, req: IncomingRequest, res: ServerResponse, data: unknown) {
      if (data instanceof Readable) void answerStream(req, res, data, this.logger);
      else answerOk(req, res, data, (req.$ctx.meta as Meta).repeated === true);
    },
  },
  async started() {
    const config = configOf(this.broker);
    this.limiter = createRateLimiter({ enabled: config.rateLimits, shared: this.hot.limits, local: memoryLimits() });
    const app = createApp({
      routes,
      addressOf: createAddressReader(config.trustedProxies),
      isAllowedOrigin: createOriginCheck(config.corsOrigins),
      limitAddress: (req) => limitAddress(this.limiter, req),
      documents: createDocuments(this.http.address()),
      webClient: createWebClient(await readWebFiles(webFolder())),
      gateway: this.express(),
      onFinish: (...finished) => this.count(...finished),
      logger: this.logger,
    });
    this.unmount = this.http.mount({ path: "/", request: app });
  },
  async stopped() {
    this.unmount?.();
  },
};

export default api as unknown as ServiceSchema;
