import type { SqlList, SqlParams, SqlTuple, SqlValue } from "./port.ts";

export interface BoundStatement {
  /** The statement with `?` in the place of every placeholder. */
  readonly text: string;
  readonly values: readonly SqlValue[];
}

interface Template {
  /** The text around the placeholders: one more than there are names. */
  readonly parts: readonly string[];
  readonly names: readonly string[];
  /** The text when no placeholder stands for an array. */
  readonly plain: string;
}

const MAX_TEMPLATES = 1_000;
const templates = new Map<string, Template>();

/** Quoted text and comments, or a placeholder. */
const TOKEN = /'(?:[^']|'')*'|`[^`]*`|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|(?<![:\w]):([A-Za-z_]\w*)/g;

function parse(sql: string): Template {
  const parts: string[] = [];
  const names: string[] = [];
  let end = 0;
  for (const match of sql.matchAll(TOKEN)) {
    if (match[1] === undefined) continue;
    parts.push(sql.slice(end, match.index));
    names.push(match[1]);
    end = match.index + match[0].length;
  }
  parts.push(sql.slice(end));
  return { parts, names, plain: parts.join("?") };
}

function templateOf(sql: string): Template {
  const known = templates.get(sql);
  if (known) return known;
  if (templates.size >= MAX_TEMPLATES) templates.clear();
  const template = parse(sql);
  templates.set(sql, template);
  return template;
}

/**
 * Repeats the last element up to the next power of two, so that lists of all lengths share few statement texts.
 * In `IN (...)` a repeated element changes nothing.
 */
function pad<T>(list: readonly T[]): readonly T[] {
  const length = list.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(list.length));
  if (length === list.length) return list;
  return [...list, ...Array<T>(length - list.length).fill(list.at(-1)!)];
}

/** How the dialect writes what stands in `IN (...)`. */
export interface ListSyntax {
  /** Matches nothing. */
  readonly empty: string;
  /** Before the tuples of a list. */
  readonly tuples: string;
}

/** The text of a list; its values go to `values`. */
function expand(list: SqlList, values: SqlValue[], syntax: ListSyntax): string {
  if (!isTuples(list)) {
    const padded = pad(list);
    values.push(...padded);
    return padded.length === 0 ? syntax.empty : Array(padded.length).fill("?").join(",");
  }
  const padded = pad(list);
  for (const tuple of padded) values.push(...tuple);
  const marks = `(${Array(list[0]!.length).fill("?").join(",")})`;
  return syntax.tuples + Array(padded.length).fill(marks).join(",");
}

const isTuples = (list: SqlList): list is readonly SqlTuple[] => Array.isArray(list[0]);

/**
 * Puts `?` for every `:name` outside quotes and comments and collects the values in that order.
 *
 * @throws when a placeholder has no value; null is a value, undefined is none
 */
export function bindNamed(sql: string, params: SqlParams, syntax: ListSyntax): BoundStatement {
  const { parts, names, plain } = templateOf(sql);
  const values: SqlValue[] = [];
  let expanded: string | null = null;
  for (let at = 0; at < names.length; at++) {
    const value = valueOf(params, names[at] as string, sql);
    expanded = append(expanded, value, parts, at, values, syntax);
  }
  return { text: expanded === null ? plain : expanded + (parts.at(-1) ?? ""), values };
}

/**
 * Puts a literal for every `:name` outside quotes and comments, and a list of them for an array.
 *
 * @param literal writes a value as the database reads it, whatever stands in it
 * @throws when a placeholder has no value; null is a value, undefined is none
 */
export function inlineNamed(sql: string, params: SqlParams, syntax: ListSyntax, literal: (value: SqlValue) => string): string {
  const { parts, names } = templateOf(sql);
  let text = parts[0] ?? "";
  for (let at = 0; at < names.length; at++) {
    const value = valueOf(params, names[at] as string, sql);
    text += (value === null || typeof value !== "object" ? literal(value) : literals(value, syntax, literal)) + parts[at + 1]!;
  }
  return text;
}

function literals(list: SqlList, { empty, tuples }: ListSyntax, literal: (value: SqlValue) => string): string {
  if (list.length === 0) return empty;
  if (!isTuples(list)) return list.map(literal).join(",");
  return tuples + list.map((tuple) => `(${tuple.map(literal).join(",")})`).join(",");
}

function valueOf(params: SqlParams, name: string, sql: string): SqlValue | SqlList {
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  if (value === undefined) throw new Error(`No value for :${name} in: ${sql}`);
  return value;
}

/** Adds one value; from the first array on it builds the text anew, since the count of `?` depends on it. */
function append(
  expanded: string | null,
  value: SqlValue | SqlList,
  parts: readonly string[],
  at: number,
  values: SqlValue[],
  syntax: ListSyntax,
): string | null {
  if (value === null || typeof value !== "object") {
    values.push(value);
    return expanded === null ? null : `${expanded}${parts[at]}?`;
  }
  const before =
    expanded ??
    parts
      .slice(0, at)
      .map((part) => `${part}?`)
      .join("");
  return before + parts[at] + expand(value, values, syntax);
}
