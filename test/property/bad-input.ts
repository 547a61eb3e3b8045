import { Ajv, type ValidateFunction } from "ajv";
import fc from "fast-check";
import type { PublishedSchema } from "../support/published.ts";

/** Something wrong that was put in the place of one good thing. */
export interface Flaw {
  /** What is wrong, for the report of a failure. */
  readonly aspect: string;
  /** JSON text of the whole. */
  readonly text: string;
  /** The field that the answer has to name; null when the whole is wrong. */
  readonly field: string | null;
}

type Values = Readonly<Record<string, unknown>>;
type Shapes = Readonly<Record<string, PublishedSchema>>;

const HARMFUL_NAMES = ["__proto__", "\u0000", "a\u0000b", "\ud800", "line\nbreak"];
const UNKNOWN_NAMES = [
  ...["constructor", "prototype", "toString", "hasOwnProperty", "$where", "$ne", "a.b", "a[b]", "", " ", "𝕏", "x".repeat(5_000)],
  // What a client must never set.
  ...["id", "_id", "role_", "isAdmin", "passwordHash", "password_hash", "senderId", "createdAt", "caller", "meta", "status"],
];
const SOME_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, -1e308, "", " ", "0", "-1", "null", "true", "[object Object]"],
  ...["\u0000", "a\u0000b", "\ud800", "\udfff\ud800", "' or 1=1 --", "%", "../..", "1".repeat(40), "x".repeat(20_000)],
  ...[[], [[]], [null], {}, { $ne: null }, { $gt: "" }, { length: 1 }, { toString: "x" }, { id: 1 }],
];

/** JSON of `depth` objects or arrays inside each other. */
const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + "1" + close.repeat(depth);
const DEEP = [nested(100, '{"a":', "}"), nested(100, "[", "]"), nested(500, '{"a":[', "]}")];

/** Finds what is wrong with values by the published schema, which the server's own checks have no part in. */
export class SchemaJudge {
  readonly #ajv: Ajv;
  readonly #validators = new Map<PublishedSchema, ValidateFunction>();

  constructor(shapes: Shapes) {
    this.#ajv = new Ajv({ strict: false, validateFormats: false });
    this.#ajv.addSchema({ $id: "doc", components: { schemas: shapes } });
  }

  accepts(schema: PublishedSchema, value: unknown): boolean {
    let validate = this.#validators.get(schema);
    if (!validate) {
      const text = JSON.stringify(schema).replaceAll('"#/components/', '"doc#/components/');
      this.#validators.set(schema, (validate = this.#ajv.compile(JSON.parse(text) as object)));
    }
    return validate(value);
  }
}

/** Values that the schema allows. */
export function goodValue(schema: PublishedSchema, shapes: Shapes): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return goodValue(shapes[schema.$ref.split("/").at(-1) ?? ""] ?? {}, shapes);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => goodValue(one, shapes)));
  switch (schema.type) {
    case "string":
      return goodText(schema);
    case "integer":
      return fc.integer({ min: schema.minimum ?? -1_000, max: Math.min(schema.maximum ?? 1_000, 1_000_000) });
    case "number":
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.uniqueArray(goodValue(schema.items ?? {}, shapes), {
        minLength: schema.minItems ?? 0,
        maxLength: 3,
        selector: (item) => JSON.stringify(item),
      });
    case "object":
      return fc.record(
        Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, goodValue(one, shapes)])),
        { requiredKeys: [...(schema.required ?? [])] },
      );
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function goodText({ pattern, minLength = 0, maxLength = 100 }: PublishedSchema): fc.Arbitrary<string> {
  if (pattern === undefined) return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) });
  return fc.stringMatching(new RegExp(pattern), { size: "-1" }).filter((text) => text.length <= maxLength);
}

/** Bad ones in the place of what is good: `good` with one flaw that `schema`, a closed object, does not allow. */
export function flaws(schema: PublishedSchema, good: Values, judge: SchemaJudge): fc.Arbitrary<Flaw> {
  const fields = Object.keys(schema.properties ?? {});
  const required = schema.required ?? [];
  const kinds: fc.Arbitrary<Flaw | null>[] = [
    fc.constantFrom("[]", "null", "5", '"text"', "true", "[{}]").map((text) => ({ aspect: "no object", text, field: null })),
    fc.constantFrom(...UNKNOWN_NAMES).map((name) => (name in good ? null : withField("unknown field", good, name, "1", name))),
    fc.constantFrom(...HARMFUL_NAMES).map((name) => withField("harmful field name", good, name, "{}", null)),
    fc.constantFrom(...DEEP).map((deep) => withField("too deep", good, fields[0] ?? "deep", deep, null)),
  ];
  if (fields.length > 0)
    kinds.push(
      fc
        .tuple(fc.constantFrom(...fields), fc.constantFrom(...SOME_VALUES))
        .map(([name, value]) =>
          judge.accepts(schema, { ...good, [name]: value })
            ? null
            : withField("bad value", good, name, JSON.stringify(value), name),
        ),
    );
  if (required.length > 0)
    kinds.push(
      fc.constantFrom(...required).map((name) => {
        const text = JSON.stringify(Object.fromEntries(Object.entries(good).filter(([other]) => other !== name)));
        return { aspect: "missing field", text, field: name };
      }),
    );
  return fc.oneof(...kinds).filter((flaw): flaw is Flaw => flaw !== null);
}

/** The JSON of `good` in which a field of the schema stands twice. */
export function repeatedField({ properties = {} }: PublishedSchema, good: Values): fc.Arbitrary<Flaw> {
  return fc.constantFrom(...Object.keys(properties)).map((field) => {
    const { text } = withField("", { ...good, [field]: 1 }, field, "1", field, []);
    return { aspect: "field given twice", text, field };
  });
}

/** The JSON of `good` with one field whose name or value no object of JavaScript would keep. */
function withField(
  aspect: string,
  good: Values,
  name: string,
  value: string,
  field: string | null,
  without: readonly string[] = [name],
): Flaw {
  const rest = Object.entries(good).filter(([other, one]) => !without.includes(other) && one !== undefined);
  const parts = [...rest.map(([other, one]) => [other, JSON.stringify(one)] as const), [name, value] as const];
  const text = `{${parts.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(",")}}`;
  return { aspect: `${aspect} ${JSON.stringify(name).slice(0, 40)}`, text, field };
}

/** What may stand in a query or a path for this schema, and is wrong there. */
export function badTexts(schema: PublishedSchema): string[] {
  const candidates = [
    ...["", " ", "abc", "-1", "0", "1.5", "1e3", "0x10", "NaN", "null", "undefined", "TRUE", "yes", "[]", "{}", "1,2", "1;2"],
    ...["\u0000", "a\u0000", "' or '1'='1", "%", "__proto__", "constructor", "９", "9".repeat(30), "x".repeat(3_000)],
  ];
  return candidates.filter((text) => !fitsAsText(schema, text));
}

function fitsAsText(schema: PublishedSchema, text: string): boolean {
  switch (schema.type) {
    case "integer":
      return (
        /^-?\d{1,16}$/.test(text) && Number(text) >= (schema.minimum ?? -Infinity) && Number(text) <= (schema.maximum ?? Infinity)
      );
    case "boolean":
      return text === "true" || text === "false";
    default:
      if (schema.enum) return schema.enum.includes(text);
      return (
        [...text].length <= (schema.maxLength ?? Infinity) &&
        [...text].length >= (schema.minLength ?? 0) &&
        new RegExp(schema.pattern ?? "").test(text)
      );
  }
}
