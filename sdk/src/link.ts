import { Core, type Command, type Commands, type CoreDeps } from "./core/core.ts";
import type { Change } from "./core/records.ts";

/** The way to the core, be it in this tab or in another. */
export interface Link {
  start(): Promise<void>;
  /** @throws ImError */
  ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>>;
  stop(): Promise<void>;
}

export interface LinkDeps extends Omit<CoreDeps, "publish"> {
  readonly onChange: (change: Change) => void;
  /** Another tab leads from now on: what the one before it told may have been lost. */
  readonly onNewLead: () => void;
}

/** A core of one's own. */
export class OwnLink implements Link {
  readonly #core: Core;

  constructor({ onChange, ...deps }: LinkDeps) {
    this.#core = new Core({ ...deps, publish: onChange });
  }

  start(): Promise<void> {
    return this.#core.start();
  }

  ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>> {
    return callCore(this.#core, command, args);
  }

  stop(): Promise<void> {
    return this.#core.stop();
  }
}

/** @throws ImError */
export async function callCore<C extends Command>(
  core: Core,
  command: C,
  args: Parameters<Commands[C]>,
): Promise<ReturnType<Commands[C]>> {
  const handler = core.handlers[command] as (
    ...given: Parameters<Commands[C]>
  ) => Promise<ReturnType<Commands[C]>> | ReturnType<Commands[C]>;
  const result = await handler(...args);
  return result;
}
