import type { KindName, Place, Program, ServerError, ServerKind } from "./kind.ts";
import type { ProcessId } from "./processes.ts";
import type { EngineName, ServerState } from "./state.ts";

export interface Acquire {
  /** Whether packages may be installed and jars or images fetched. */
  readonly install: boolean;
  readonly report: (line: string) => void;
}

/** What runs a folder's servers: processes of this machine or Docker's containers. */
export interface Engine {
  readonly name: EngineName;
  /** For each kind its program, or why there is none; never throws. */
  acquire(kinds: readonly ServerKind[], how: Acquire): Promise<ReadonlyMap<KindName, Program | ServerError>>;
  /** Starts it; returns before it is ready. @throws when it cannot be started at all */
  launch(kind: ServerKind, program: Program, place: Place): Promise<ProcessId | null>;
  /** A frozen one runs. */
  isRunning(name: KindName, server: ServerState): Promise<boolean>;
  /** Sends a signal; nothing happens when it does not run. */
  signal(name: KindName, server: ServerState, signal: NodeJS.Signals): Promise<void>;
  /** Ends it in good order, or by force after a while; its data stays. */
  stop(name: KindName, server: ServerState): Promise<void>;
  /** The last lines of its log. */
  lastLines(name: KindName): Promise<string>;
  /** Forgets the data that is not in the folder itself; nothing runs any more. */
  removeData(): Promise<void>;
}
