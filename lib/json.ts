import { MAX_JSON_VALUES } from "../contracts/limits.ts";
import { imError } from "./errors.ts";
import { checkJson, invalidField } from "./validation.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The JSON of a request body.
 * @throws PAYLOAD_TOO_LARGE when it has too many values, MALFORMED_REQUEST when it is no UTF-8 or no JSON, VALIDATION when it is
 * too deep, gives a field twice, or has a field name that is not allowed
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (hasTooManyValues(bytes)) throw imError("PAYLOAD_TOO_LARGE", { maxValues: MAX_JSON_VALUES });
  const { text, value } = decode(bytes);
  checkJson(value);
  const repeated = repeatedName(text);
  if (repeated !== null) throw invalidField(repeated.slice(0, 200), "must be given once");
  return value;
}

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = ['"', "\\", ",", "[", "{"].map((character) => character.charCodeAt(0));

/** Looked at before anything is parsed: a megabyte of tiny values would hold everybody else up for as long as it takes. */
function hasTooManyValues(bytes: Uint8Array): boolean {
  let values = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += byte === BACKSLASH ? 1 : 0;
    else if ((byte === COMMA || byte === BRACKET || byte === BRACE) && ++values > MAX_JSON_VALUES) return true;
  }
  return false;
}

function decode(bytes: Uint8Array): { text: string; value: unknown } {
  try {
    const text = decoder.decode(bytes);
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    throw imError("MALFORMED_REQUEST");
  }
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/gs;

/** A field name that stands twice in one object of this JSON, which is known to be well-formed; null when none does. */
function repeatedName(text: string): string | null {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return null;
}
