import { isIP } from "node:net";

/** What a setting may be: how it is read from text, and which values stand the test wherever they come from. */
export interface Format<T> {
  /** Completes "must be …". */
  readonly allowed: string;
  /** The value that `text` stands for; it still has to be accepted. */
  fromText(text: string): unknown;
  accepts(value: unknown): value is T;
  /** How a refused value is shown. Default: as it was given. */
  show?(value: unknown): string;
}

export function integer(min: number, max: number): Format<number> {
  return {
    allowed: `an integer from ${min} to ${max}`,
    fromText: (text) => (/^-?\d+$/.test(text) ? Number(text) : text),
    accepts: (value): value is number => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
  };
}

/** A share, such as 0.25. */
export function ratio(): Format<number> {
  return {
    allowed: "a number from 0 to 1",
    fromText: (text) => (/^\d*\.?\d+$/.test(text) ? Number(text) : text),
    accepts: (value): value is number => typeof value === "number" && value >= 0 && value <= 1,
  };
}

export function choice<const T extends string>(...values: readonly T[]): Format<T> {
  return {
    allowed: `${values.slice(0, -1).join(", ")} or ${values.at(-1) ?? ""}`,
    fromText: (text) => text,
    accepts: (value): value is T => values.some((one) => one === value),
  };
}

export function onOff(): Format<boolean> {
  const values = new Map([
    ["on", true],
    ["off", false],
  ]);
  return {
    allowed: "on or off",
    fromText: (text) => values.get(text) ?? text,
    accepts: (value) => typeof value === "boolean",
  };
}

export function text(pattern: RegExp, allowed: string): Format<string> {
  return {
    allowed,
    fromText: (value) => value,
    accepts: (value): value is string => typeof value === "string" && pattern.test(value),
  };
}

export function listOf(item: Format<string>, allowed: string, minItems = 0): Format<readonly string[]> {
  return {
    allowed,
    fromText: (value) =>
      value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    accepts: (value): value is readonly string[] =>
      Array.isArray(value) && value.length >= minItems && value.every((part) => item.accepts(part)),
  };
}

/** Null, in code only, says "not set". */
export function optional<T>(format: Format<T>): Format<T | null> {
  return { ...format, accepts: (value): value is T | null => value === null || format.accepts(value) };
}

/** A URL of one of `protocols` with a host. Its user and password are never shown. */
export function url(protocols: readonly string[], allowed: string, isComplete = (_: URL): boolean => true): Format<string> {
  return {
    allowed,
    fromText: (value) => value,
    accepts: (value): value is string => {
      const parsed = typeof value === "string" ? URL.parse(value) : null;
      return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== "" && isComplete(parsed);
    },
    show: (value) => JSON.stringify(String(value).replace(/^.*@/s, "***@").replace(/\?.*$/s, "?***")),
  };
}

/** What a browser sends as `Origin`: no path, no wildcard. */
export function origin(): Format<string> {
  const format = url(["http:", "https:"], "http(s)://host[:port]");
  return { ...format, accepts: (value): value is string => format.accepts(value) && URL.parse(value)?.origin === value };
}

/** An address, or a network as `address/bits`. */
export function network(): Format<string> {
  return {
    allowed: "an address or CIDR network",
    fromText: (value) => value,
    accepts: (value): value is string => {
      if (typeof value !== "string") return false;
      const [address = "", bits, ...rest] = value.split("/");
      const version = isIP(address);
      if (version === 0 || rest.length > 0) return false;
      return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
    },
  };
}

const MIN_SECRET_BYTES = 32;
const MIN_DISTINCT_CHARACTERS = 5;
/** How placeholders in examples begin, without case and punctuation. */
const PLACEHOLDER =
  /^(change(me|this|it)|replace(me|this)|your(own)?(jwt|secret)|my(jwt|secret)|jwtsecret|supersecret|secretkey|password|default|example|insecure)/;

/** A signing key. Never shown. */
export function secret(): Format<string> {
  return {
    allowed: `at least ${MIN_SECRET_BYTES} bytes of random text, no placeholder such as "changeme"`,
    fromText: (value) => value,
    accepts: (value): value is string =>
      typeof value === "string" &&
      Buffer.byteLength(value) >= MIN_SECRET_BYTES &&
      new Set(value).size >= MIN_DISTINCT_CHARACTERS &&
      !PLACEHOLDER.test(value.toLowerCase().replace(/[^a-z0-9]/g, "")),
    show: () => "(not shown)",
  };
}
