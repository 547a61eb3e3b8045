import type { Im } from "./im.ts";
import type { RestAnswer, RestClient } from "./client.ts";

/** JSON Schema as the published documents use it. */
export interface PublishedSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, PublishedSchema>>;
  readonly required?: readonly string[];
  readonly items?: PublishedSchema;
  readonly anyOf?: readonly PublishedSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface Operation {
  readonly operationId?: string;
  readonly security: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: "path" | "query";
    readonly required: boolean;
    readonly schema: PublishedSchema;
  }[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: PublishedSchema } } };
}

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** A route as `GET /openapi.json` describes it. */
export interface PublishedRoute {
  /** Method and path below `/api/v1`. */
  readonly key: string;
  readonly method: Method;
  readonly path: string;
  readonly action: string;
  readonly isOpen: boolean;
  readonly inPath: Readonly<Record<string, PublishedSchema>>;
  readonly query: Readonly<Record<string, PublishedSchema>>;
  /** Null when the route takes none. */
  readonly body: PublishedSchema | null;
}

export interface PublishedEvent {
  readonly name: string;
  readonly payload: PublishedSchema;
}

export interface Published {
  /** Below `/api/v1`. */
  readonly routes: readonly PublishedRoute[];
  /** What clients may send. */
  readonly events: readonly PublishedEvent[];
  /** Shapes that `$ref`s of either document point at. */
  readonly shapes: Readonly<Record<string, PublishedSchema>>;
}

const PREFIX = "/api/v1";

/** Reads both documents from the server. */
export async function readPublished({ url }: Pick<Im, "url">): Promise<Published> {
  const read = async <T>(path: string): Promise<T> => (await (await fetch(url + path)).json()) as T;
  const rest = await read<{
    paths: Record<string, Partial<Record<Lowercase<Method>, Operation>>>;
    components: { schemas: Record<string, PublishedSchema> };
  }>("/openapi.json");
  const sockets = await read<{ channels: Record<string, Channel>; components: { schemas: Record<string, PublishedSchema> } }>(
    "/asyncapi.json",
  );
  return {
    routes: Object.entries(rest.paths)
      .filter(([path]) => path.startsWith(PREFIX))
      .flatMap(([path, operations]) =>
        METHODS.flatMap((method) => {
          const operation = operations[method.toLowerCase() as Lowercase<Method>];
          return operation ? [routeOf(method, path.slice(PREFIX.length), operation)] : [];
        }),
      ),
    events: Object.values(sockets.channels).flatMap(({ address, messages }) =>
      messages["request"] ? [{ name: address, payload: messages["request"].payload }] : [],
    ),
    shapes: { ...rest.components.schemas, ...sockets.components.schemas },
  };
}

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly payload: PublishedSchema }>>;
}

function routeOf(
  method: Method,
  path: string,
  { operationId, security, parameters = [], requestBody }: Operation,
): PublishedRoute {
  const those = (place: "path" | "query"): Record<string, PublishedSchema> =>
    Object.fromEntries(parameters.filter((one) => one.in === place).map(({ name, schema }) => [name, schema]));
  return {
    key: `${method} ${path}`,
    method,
    path,
    action: operationId ?? "",
    isOpen: security.length === 0,
    inPath: those("path"),
    query: those("query"),
    body: requestBody?.content["application/json"].schema ?? null,
  };
}

/** Sends the params of a route's action, each in its place. */
export function askRoute(
  rest: RestClient,
  { method, path, inPath }: PublishedRoute,
  params: Readonly<Record<string, unknown>>,
): Promise<RestAnswer<unknown>> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const others = Object.entries(params).filter(([name]) => !Object.hasOwn(inPath, name));
  const query = new URLSearchParams(others.map(([name, value]): [string, string] => [name, String(value)])).toString();
  switch (method) {
    case "GET":
      return rest.get(query === "" ? filled : `${filled}?${query}`);
    case "DELETE":
      return rest.delete(query === "" ? filled : `${filled}?${query}`);
    case "POST":
      return rest.post(filled, Object.fromEntries(others));
    case "PUT":
      return rest.put(filled, Object.fromEntries(others));
  }
}
