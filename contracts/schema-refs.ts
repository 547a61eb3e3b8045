import type { TSchema } from "typebox";
import * as entities from "./entities.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** A schema as plain JSON Schema. */
const plain = (schema: TSchema): Json => JSON.parse(JSON.stringify(schema)) as Json;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Entities that the published documents name once and point at: objects and unions of objects. */
const named = Object.entries(entities as Record<string, unknown>).flatMap(([name, schema]): [string, JsonObject][] => {
  const json = isSchema(schema) ? plain(schema) : null;
  return isObject(json) && (isObject(json["properties"]) || name === "HistoryItem") ? [[name, json]] : [];
});
const nameByText = new Map(named.map(([name, json]) => [JSON.stringify(json), name]));

function isSchema(value: unknown): value is TSchema {
  return typeof value === "object" && value !== null;
}

function withRefs(json: Json, own: string | null): Json {
  if (Array.isArray(json)) return json.map((item: Json) => withRefs(item, null));
  if (!isObject(json)) return json;
  const name = nameByText.get(JSON.stringify(json));
  if (name !== undefined && name !== own) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, withRefs(value, null)]));
}

/** A contract's schema for a published document; the entities in it are references. */
export const publishedSchema = (schema: TSchema): Json => withRefs(plain(schema), null);

/** `components.schemas` that `publishedSchema` points at. */
export const publishedEntities: JsonObject = Object.fromEntries(named.map(([name, json]) => [name, withRefs(json, name)]));
