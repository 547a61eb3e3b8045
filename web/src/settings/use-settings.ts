import type { Params, Settings } from "@moleculer-im/client";
import { shallowRef, type ShallowRef } from "vue";
import { im } from "../session/im.ts";
import { tell } from "../ui/errors.ts";

export interface ServerSettings {
  /** Null until they were read. */
  readonly settings: Readonly<ShallowRef<Settings | null>>;
  readonly failure: Readonly<ShallowRef<unknown>>;
  load(): Promise<void>;
  /** Shows the change at once, and takes it back when the server refuses it. @returns whether it holds */
  change(some: Params<"settings.update">): Promise<boolean>;
}

/** The user's settings on the server. */
export function useSettings(): ServerSettings {
  const settings = shallowRef<Settings | null>(null);
  const failure = shallowRef<unknown>(null);

  async function load(): Promise<void> {
    failure.value = null;
    try {
      settings.value = await im.call("settings.get");
    } catch (error) {
      failure.value = error;
    }
  }

  async function change(some: Params<"settings.update">): Promise<boolean> {
    const before = settings.value;
    if (before) settings.value = { ...before, ...some };
    try {
      settings.value = await im.call("settings.update", some);
      return true;
    } catch (error) {
      settings.value = before;
      tell(error);
      return false;
    }
  }

  void load();
  return { settings, failure, load, change };
}
