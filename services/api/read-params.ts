import type { IncomingMessage, ServerResponse } from "node:http";
import { raw } from "express";
import { contractOf } from "../../contracts/index.ts";
import { MAX_BODY_BYTES } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import { invalidField } from "../../lib/validation.ts";
import { coerce, decodePathParams, mergeParams, parseQuery, refuseFields, type Values } from "./params.ts";
import { infoOf } from "./request-info.ts";

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const readBytes = raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

/**
 * The params of a request's action, before its contract checks them: those in the path, and the query of GET and DELETE or the
 * JSON body of POST and PUT. Texts become numbers and booleans here and nowhere else.
 * @throws VALIDATION, MALFORMED_REQUEST, PAYLOAD_TOO_LARGE
 */
export async function readParams(req: IncomingMessage, res: ServerResponse): Promise<Values> {
  const { route, pathParams } = infoOf(req);
  const schema = contractOf(route?.action ?? "")?.params;
  if (!route || !schema) throw imError("ROUTE_NOT_FOUND");
  const inPath = decodePathParams(pathParams);
  const query = parseQuery(queryOf(req));
  if (route.method === "POST" || route.method === "PUT") {
    refuseFields(Object.keys(query));
    const body = await readObject(req, res);
    return { ...mergeParams(inPath, body), ...coerce(inPath, schema) };
  }
  if (hasBody(req)) throw invalidField("body", "is not taken by this method");
  return coerce(mergeParams(inPath, query) as Record<string, string>, schema);
}

function queryOf(req: IncomingMessage): string {
  const { originalUrl = req.url ?? "" } = req as { originalUrl?: string };
  const start = originalUrl.indexOf("?");
  return start < 0 ? "" : originalUrl.slice(start + 1);
}

const hasBody = (req: IncomingMessage): boolean =>
  req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;

/** An empty body stands for `{}`. */
async function readObject(req: IncomingMessage, res: ServerResponse): Promise<Values> {
  if (!hasBody(req)) return {};
  if (!JSON_TYPE.test(req.headers["content-type"] ?? ""))
    throw imError("MALFORMED_REQUEST", { expected: "Content-Type: application/json" });
  const bytes = await readBody(req, res);
  if (bytes.length === 0) return {};
  const value = parseJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidField("", "must be an object");
  return value as Values;
}

function readBody(req: IncomingMessage, res: ServerResponse): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    readBytes(req as Parameters<typeof readBytes>[0], res as Parameters<typeof readBytes>[1], (error?: unknown) => {
      const { body } = req as { body?: unknown };
      if (error === undefined) resolve(body instanceof Uint8Array ? body : new Uint8Array());
      else reject(imError((error as { type?: unknown }).type === "entity.too.large" ? "PAYLOAD_TOO_LARGE" : "MALFORMED_REQUEST"));
    });
  });
}
