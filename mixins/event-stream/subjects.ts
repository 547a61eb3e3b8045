/** Whether `subject` is one of `patterns`: the same, or below one that ends in `.>`. */
export function matchesSubject(patterns: readonly string[], subject: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith(".>") ? subject.startsWith(pattern.slice(0, -1)) : subject === pattern));
}

/** @throws when a consumer is subscribed to others than these */
export function assertSameSubjects(known: { name: string; subjects: readonly string[] }, subjects: readonly string[]): void {
  if ([...known.subjects].sort().join() === [...subjects].sort().join()) return;
  throw new Error(`Consumer "${known.name}" is already subscribed to other subjects: ${known.subjects.join(", ")}`);
}
