import { reactive } from "vue";
import { tell } from "./errors.ts";

export interface Busy {
  /** Whether what goes by this name is under way. */
  is(name: string): boolean;
  /** Runs `work` unless the same is under way, and says why it failed. @returns whether it was done */
  run(name: string, work: () => Promise<unknown>): Promise<boolean>;
}

/** What a component does at the moment, by name, so that each button shows its own progress and works once. */
export function useBusy(): Busy {
  const names = reactive(new Set<string>());
  return {
    is: (name) => names.has(name),
    async run(name, work) {
      if (names.has(name)) return false;
      names.add(name);
      try {
        await work();
        return true;
      } catch (error) {
        tell(error);
        return false;
      } finally {
        names.delete(name);
      }
    },
  };
}
