/** Where the way back of a detail page leads on a phone: the page before, or `fallback` for whoever came by a link. */
export function pageBefore(fallback: string): string {
  const before: unknown = (window.history.state as { readonly back?: unknown } | null)?.back;
  return typeof before === "string" ? before : fallback;
}
