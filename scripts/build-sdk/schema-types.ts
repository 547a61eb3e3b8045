/** As much of a JSON schema as a type says. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly description?: string;
}

/** Names of types by their text, as `plainType` gives it. */
export type TypeNames = ReadonlyMap<string, string>;

interface Style {
  readonly names: TypeNames;
  readonly hasComments: boolean;
  readonly indent: string;
}

/** The type in full, without comments: equal texts are equal types. */
export const plainType = (schema: Schema): string => typeOf(schema, { names: new Map(), hasComments: false, indent: "" });

/**
 * The TypeScript type of the values that a schema takes, with what it says of each field; parts that have a name go by it.
 * @throws Error for a schema that this does not know
 */
export function namedType(schema: Schema, names: TypeNames, indent = ""): string {
  return typeOf(schema, { names, hasComments: true, indent });
}

/** The same, and by its parts even where it has a name itself. */
export function definitionOf(schema: Schema, names: TypeNames, indent = ""): string {
  return expand(schema, { names, hasComments: true, indent });
}

function typeOf(schema: Schema, style: Style): string {
  const name = style.names.size > 0 ? style.names.get(plainType(schema)) : undefined;
  return name ?? expand(schema, style);
}

function expand(schema: Schema, style: Style): string {
  if (schema.enum) return unionOf(schema.enum.map((value) => JSON.stringify(value)));
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.anyOf) return unionOf(schema.anyOf.map((one) => typeOf(one, style)));
  switch (schema.type) {
    case "string":
    case "boolean":
    case "number":
    case "null":
      return schema.type;
    case "integer":
      return "number";
    case "array":
      return arrayOf(typeOf(schema.items ?? {}, style));
    case "object":
      return objectOf(schema, style);
    case undefined:
      return "unknown";
    default:
      throw new Error(`no type is known for the schema ${JSON.stringify(schema)}`);
  }
}

const unionOf = (types: readonly string[]): string => [...new Set(types)].join(" | ");
const arrayOf = (type: string): string => (type.includes("|") && !type.startsWith("{") ? `(${type})[]` : `${type}[]`);

function objectOf({ properties, required = [], patternProperties }: Schema, style: Style): string {
  if (patternProperties) {
    const values = Object.values(patternProperties).map((one) => typeOf(one, style));
    return `Record<string, ${unionOf(values)}>`;
  }
  const indent = `${style.indent}  `;
  const fields = Object.entries(properties ?? {}).map(([name, schema]) => {
    const comment = style.hasComments && schema.description ? `${indent}${commentOf(schema.description)}\n` : "";
    const mark = required.includes(name) ? "" : "?";
    return `${comment}${indent}${name}${mark}: ${typeOf(schema, { ...style, indent })};\n`;
  });
  return fields.length === 0 ? "object" : `{\n${fields.join("")}${style.indent}}`;
}

/** A doc comment on one line. */
export const commentOf = (text: string): string => `/** ${text.replace(/\s+/g, " ").replaceAll("*/", "*\\/")} */`;
