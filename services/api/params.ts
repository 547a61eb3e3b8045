import type { TSchema } from "typebox";
import { imError } from "../../lib/errors.ts";
import { checkJson, invalid, invalidField, type FieldProblem } from "../../lib/validation.ts";

interface SchemaShape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaShape>>;
  readonly items?: SchemaShape;
  readonly anyOf?: readonly SchemaShape[];
}

export type Values = Record<string, unknown>;

/** @throws MALFORMED_REQUEST when a param's percent-encoding is broken */
export function decodePathParams(pathParams: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(pathParams).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    throw imError("MALFORMED_REQUEST");
  }
}

/**
 * The fields of a query string, each a text.
 * @throws VALIDATION for one that stands twice or has a name that is not allowed
 */
export function parseQuery(query: string): Record<string, string> {
  const fields = new URLSearchParams(query);
  const values = Object.create(null) as Record<string, string>;
  for (const [name, value] of fields) {
    if (Object.hasOwn(values, name)) throw invalidField(name.slice(0, 200), "must be given once");
    values[name] = value;
  }
  checkJson(values);
  return values;
}

/**
 * The params of an action. What stands in the path cannot be given elsewhere.
 * @param given the query of a GET or DELETE, the body of the others
 */
export function mergeParams(pathParams: Readonly<Record<string, string>>, given: Readonly<Values>): Values {
  refuseFields(Object.keys(given).filter((name) => Object.hasOwn(pathParams, name)));
  return { ...given, ...pathParams };
}

/** @throws VALIDATION when there are any */
export function refuseFields(names: readonly string[]): void {
  if (names.length > 0)
    throw invalid(
      names.slice(0, 20).map((name): FieldProblem => ({ field: name.slice(0, 200), message: "is not a known field" })),
    );
}

/**
 * Turns texts into the numbers, booleans and lists that the action's schema asks for; what does not fit stays as it is, so that
 * the schema names it.
 */
export function coerce(values: Readonly<Record<string, string>>, schema: TSchema): Values {
  const { properties = {} } = schema as SchemaShape;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      Object.hasOwn(properties, name) ? coerceOne(value, properties[name] ?? {}) : value,
    ]),
  );
}

function coerceOne(value: string, schema: SchemaShape): unknown {
  switch (schema.type) {
    case "integer":
      return /^-?\d{1,16}$/.test(value) ? Number(value) : value;
    case "number":
      return /^-?\d{1,16}(\.\d{1,16})?$/.test(value) ? Number(value) : value;
    case "boolean":
      return value === "true" || (value === "false" ? false : value);
    case "array":
      return value.split(",").map((item) => coerceOne(item, schema.items ?? {}));
    default:
      return coerceAny(value, schema.anyOf ?? []);
  }
}

/** The first alternative that makes something of the text. */
function coerceAny(value: string, alternatives: readonly SchemaShape[]): unknown {
  return alternatives.map((schema) => coerceOne(value, schema)).find((coerced) => coerced !== value) ?? value;
}
