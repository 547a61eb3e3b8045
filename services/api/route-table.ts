import { API_PREFIX, type Route } from "../../contracts/routes.ts";

/** What a path is: its methods, and the params that stand in it, still percent-encoded. */
export interface RouteMatch {
  readonly methods: ReadonlyMap<string, Route>;
  readonly pathParams: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly regexp: RegExp;
  readonly names: readonly string[];
  readonly methods: Map<string, Route>;
}

const segments = (path: string): string[] => path.split("/");
const paramNames = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);

/**
 * Finds what a path is, exactly as written: case counts, and so does a slash at the end. A path without params goes before
 * one with params that it would fit as well.
 */
export function compileRoutes(routes: readonly Route[]): (path: string) => RouteMatch | null {
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    const path = API_PREFIX + route.path;
    const pattern = patterns.get(path) ?? { regexp: regexpOf(path), names: paramNames(path), methods: new Map<string, Route>() };
    pattern.methods.set(route.method, route);
    patterns.set(path, pattern);
  }
  const bySpecificity = [...patterns.values()].sort((a, b) => a.names.length - b.names.length);
  return (path) => {
    for (const { regexp, names, methods } of bySpecificity) {
      const found = regexp.exec(path);
      if (found) return { methods, pathParams: Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? ""])) };
    }
    return null;
  };
}

function regexpOf(path: string): RegExp {
  return new RegExp(
    `^${segments(path)
      .map((part) => (part.startsWith("{") ? "([^/]+)" : part.replace(/[^\w-]/g, "\\$&")))
      .join("/")}$`,
  );
}

/** The path as moleculer-web writes it, below the prefix. */
export function aliasPath(route: Route): string {
  return `${route.method} ${route.path.replace(/\{(\w+)\}/g, ":$1")}`;
}
