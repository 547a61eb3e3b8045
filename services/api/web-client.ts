import path from "node:path";
import type { Request, RequestHandler, Response } from "express";
import helmet from "helmet";
import { WEB_PATHS } from "../../contracts/web-paths.ts";
import { ENCODINGS, type WebFile, type WebFiles } from "./web-files.ts";

/**
 * What the client's pages may do: run and load what comes from here, show pictures of https addresses, and talk to this server.
 * Nothing inline, no eval, and HTML is made of text by Vue alone.
 */
export const CLIENT_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", "https:", "data:", "blob:"],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  manifestSrc: ["'self'"],
  workerSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
  requireTrustedTypesFor: ["'script'"],
  trustedTypes: ["vue"],
};

const PERMISSIONS = ["camera", "display-capture", "geolocation", "microphone", "payment", "usb"].map((name) => `${name}=()`);

const PAGE = "/index.html";
/** Files below it carry the hash of their content in their names. */
const HASHED = "/assets/";
const FOR_EVER = "public, max-age=31536000, immutable";

const NOT_BUILT =
  "The web client is not built, so there is nothing to see here yet.\n" +
  "In a checkout, stop the server and run `npm ci` and `npm start`: it builds the client, or says why it cannot.\n" +
  "The API works without it; its pages are at /docs.\n";

/** The client's own pages: its paths and what lies below them, of plain segments. */
const PAGES = new RegExp(`^(?:${WEB_PATHS.join("|")})(?:/[\\w-]+)*/?$`);

/**
 * Serves the built client at `/`, from a closed list of files; what is none of them goes on. Each of the client's paths answers
 * with its page when a browser asks for one, so that an address can be opened, kept and sent.
 * @param files null when the client was not built: then its paths say in plain words what to do
 */
export function createWebClient(files: WebFiles | null): RequestHandler {
  const policy = helmet.contentSecurityPolicy({ useDefaults: false, directives: CLIENT_POLICY });
  return (req, res, next) => {
    // Who asks for another protocol is no browser that opens a page.
    const isRead = (req.method === "GET" || req.method === "HEAD") && req.headers.upgrade === undefined;
    const asked = isRead ? pathOf(req) : null;
    if (asked === null) return next();
    if (!files) return asked === PAGE ? sendNotBuilt(res) : next();
    const file = files.get(asked);
    if (!file) return next();
    policy(req, res, (error?: unknown) => (error ? next(error) : sendFile(req, res, asked, file)));
  };
}

/** The path of the file that is asked for, exactly as it was written; null when a browser is not what asks. */
function pathOf(req: Request): string | null {
  const asked = req.originalUrl.split("?", 1)[0] ?? "";
  if (asked === "/") return PAGE;
  if (asked === PAGE) return null; // one page has one address
  if (!PAGES.test(asked)) return asked;
  req.res?.vary("Accept");
  return req.accepts(["json", "html"]) === "html" ? PAGE : null;
}

function sendFile(req: Request, res: Response, name: string, file: WebFile): void {
  if (file.size > 1) res.vary("Accept-Encoding");
  const encoding = ENCODINGS.find((one) => file.has(one) && req.acceptsEncodings(one)) ?? "identity";
  const body = file.get(encoding);
  if (encoding !== "identity") res.setHeader("Content-Encoding", encoding);
  res.setHeader("Permissions-Policy", PERMISSIONS.join(", "));
  res.setHeader("Cache-Control", name.startsWith(HASHED) ? FOR_EVER : "no-cache");
  res.setHeader("ETag", body?.etag ?? "");
  res.type(path.extname(name)).send(body?.bytes);
}

function sendNotBuilt(res: Response): void {
  res.status(404).setHeader("Cache-Control", "no-store");
  res.type("text").send(NOT_BUILT);
}
