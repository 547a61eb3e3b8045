import type { NodeSpec } from "../../../scripts/cluster/roles.ts";
import type { EnvironmentName } from "../environments/environment.ts";
import type { Stage } from "../stage.ts";

/** Something that goes wrong while people use the product. */
export interface Scenario {
  /** Unique with `on`; kebab-case. */
  readonly name: string;
  readonly on: EnvironmentName;
  /** Also in the short form. */
  readonly isShort?: boolean;
  /** Needs nodes of its own: what is different about them. */
  readonly nodes?: (nodes: readonly NodeSpec[]) => readonly NodeSpec[];
  /** What goes wrong, from its beginning to its end. */
  faults(stage: Stage): Promise<void>;
  /** What is looked at, or mended by hand, after everything was checked; it is checked once more then. */
  after?(stage: Stage): Promise<void>;
}
