import { createRequire } from "node:module";
import path from "node:path";
import { Router, static as serveFiles, type RequestHandler } from "express";
import helmet from "helmet";
import { asyncApiDocument } from "../../contracts/asyncapi.ts";
import { openApiDocument } from "../../contracts/openapi.ts";
import { sendJson } from "../../lib/envelope.ts";
import { restPage, SWAGGER_SCRIPT, STYLE, socketPage } from "./pages.ts";

const SWAGGER_FILES = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];
const ASSET_MAX_AGE_MS = 3_600_000;

/** Scripts come from here alone; Swagger UI sets styles inline. */
const PAGE_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", "data:"],
  fontSrc: ["'self'", "data:"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The published documents (K2), and the pages that show them; nothing is loaded from elsewhere. */
export function createDocuments(address: { host: string; port: number }): RequestHandler {
  const host = `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
  const openApi = openApiDocument();
  const asyncApi = asyncApiDocument(host);
  const router = Router({ strict: false, caseSensitive: true });
  router.get("/openapi.json", (_req, res) => sendJson(res, 200, openApi));
  router.get("/asyncapi.json", (_req, res) => sendJson(res, 200, asyncApi));
  router.use("/docs", helmet.contentSecurityPolicy({ useDefaults: false, directives: PAGE_POLICY }));
  router.get("/docs", (_req, res) => void res.type("html").send(restPage()));
  router.get("/docs/socket", (_req, res) => void res.type("html").send(socketPage(asyncApi)));
  router.get("/docs/assets/docs.css", (_req, res) => void res.type("css").send(STYLE));
  router.get("/docs/assets/docs.js", (_req, res) => void res.type("js").send(SWAGGER_SCRIPT));
  router.get(
    SWAGGER_FILES.map((name) => `/docs/assets/${name}`),
    swaggerFiles(),
  );
  return router;
}

/** Express has matched the path already, so that only the named files of the package can be asked for. */
function swaggerFiles(): RequestHandler {
  const folder = path.dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const serve = serveFiles(folder, { index: false, maxAge: ASSET_MAX_AGE_MS, fallthrough: true });
  return (req, res, next) => {
    req.url = req.url.slice("/docs/assets".length);
    serve(req, res, next);
  };
}
