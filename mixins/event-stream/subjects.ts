/** Whether `subject` is one of `patterns`: the same, or below one that ends in `.>`. */
export function matchesSubject(patterns: readonly string[], subject: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith(".>") ? subject.startsWith(pattern.slice(0, -1)) : subject === pattern));
}
