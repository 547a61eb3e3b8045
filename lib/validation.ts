import { Compile } from "typebox/compile";
import type { TSchema } from "typebox";
import { MAX_JSON_DEPTH } from "../contracts/limits.ts";
import { imError } from "./errors.ts";

/** What is wrong with one field; `field` is a dotted path, "" the whole. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}
export type Check = (value: unknown) => true;

interface SchemaError {
  keyword: string;
  instancePath: string;
  message: string;
  params: Record<string, unknown>;
}

const compiled = new WeakMap<object, Check>();

/** A function that throws VALIDATION with the fields named, or returns true. Compiled once for each schema. */
export function checkOf(schema: TSchema): Check {
  const known = compiled.get(schema);
  if (known) return known;
  const validator = Compile(schema);
  const check: Check = (value) => {
    if (validator.Check(value)) return true;
    throw invalid(problemsOf(validator.Errors(value) as unknown as SchemaError[]));
  };
  compiled.set(schema, check);
  return check;
}

/** The same check for a value that stands inside another: its fields are named with the outer one in front. */
export function prefixed(outer: string, check: Check): Check {
  return (value) => {
    try {
      return check(value);
    } catch (error) {
      const { fields } = (error as { data: { fields: FieldProblem[] } }).data;
      throw invalid(fields.map(({ field, message }) => ({ field: field === "" ? outer : `${outer}.${field}`, message })));
    }
  };
}

export function invalid(fields: readonly FieldProblem[]): Error {
  return imError("VALIDATION", { fields });
}

/** One problem of one field. */
export function invalidField(field: string, message: string): Error {
  return invalid([{ field, message }]);
}

const MAX_PROBLEMS = 20;

function problemsOf(errors: readonly SchemaError[]): FieldProblem[] {
  const problems = new Map<string, string>();
  for (const error of errors) {
    for (const [field, message] of describe(error)) {
      if (problems.size < MAX_PROBLEMS && !problems.has(field)) problems.set(field, message);
    }
  }
  return [...problems].map(([field, message]) => ({ field, message }));
}

function describe(error: SchemaError): [string, string][] {
  const path = dotted(error.instancePath);
  const inside = (name: unknown): string => shown(path === "" ? String(name) : `${path}.${String(name)}`);
  switch (error.keyword) {
    case "additionalProperties":
      return (error.params["additionalProperties"] as string[]).map((name) => [inside(name), "is not a known field"]);
    case "required":
      return (error.params["requiredProperties"] as string[]).map((name) => [inside(name), "is required"]);
    case "boolean":
      return [[path, "is not a known field"]];
    case "const":
      return [[path, `must be ${JSON.stringify(error.params["allowedValue"])}`]];
    case "enum":
      return [[path, `must be one of ${(error.params["allowedValues"] as unknown[]).join(", ")}`]];
    default:
      return [[path, error.message]];
  }
}

function dotted(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  return shown(parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")).join("."));
}

/** A field's name as an answer gives it: not too long, and no half characters. */
const shown = (field: string): string => field.slice(0, 200).toWellFormed();

/** Binary parts of a socket's payload arrive as buffers. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const badName = /[\u0000-\u001f\u007f]/u;

/**
 * Looks through JSON of any shape for what no schema catches: too deep, binary, and field names that are harmful
 * (`__proto__`, control characters, lone surrogates). Texts are left as they are.
 * @throws VALIDATION
 */
export function checkJson(value: unknown, path = "", depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  if (depth >= MAX_JSON_DEPTH) throw invalidField(path.slice(0, 200), `must not be nested deeper than ${MAX_JSON_DEPTH}`);
  if (Array.isArray(value)) {
    for (const item of value) checkJson(item, path, depth + 1);
    return;
  }
  if (!isPlain(value)) throw invalidField(path.slice(0, 200), "must be JSON, without binary parts");
  for (const name of Object.getOwnPropertyNames(value)) {
    const field = path === "" ? name : `${path}.${name}`;
    if (name === "__proto__" || badName.test(name) || !name.isWellFormed()) {
      throw invalidField(JSON.stringify(field.toWellFormed()).slice(1, -1).slice(0, 200), "is not an allowed field name");
    }
    checkJson((value as Record<string, unknown>)[name], field, depth + 1);
  }
}
