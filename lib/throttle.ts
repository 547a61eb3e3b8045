/**
 * Says for a key whether its turn has come: at most once in `everyMs`. Only keys that had their turn within that time are
 * remembered.
 */
export function createThrottle(everyMs: number): (key: string, now: number) => boolean {
  /** Time of each key's last turn, oldest first. */
  const turns = new Map<string, number>();

  const forgetOld = (before: number): void => {
    for (const [key, at] of turns) {
      if (at > before) return;
      turns.delete(key);
    }
  };

  return (key, now) => {
    forgetOld(now - everyMs);
    if (turns.has(key)) return false;
    turns.set(key, now);
    return true;
  };
}
