import { canInstall } from "../../scripts/servers/install.ts";
import { adviceForTool, findTool } from "../../scripts/servers/tools.ts";
import type { ToolName } from "../../scripts/servers/tools.ts";

/** A program that tests check files with. */
export interface Tool {
  /** Empty when the tests are skipped. */
  readonly file: string;
  /** For `describe(…, { skip })`. */
  readonly skip: string | false;
}

/**
 * The program of this name as it is on the machine; `scripts/test.ts` installs it where it can.
 * @throws where CI=true and it could be installed
 */
export async function toolFor(name: ToolName): Promise<Tool> {
  const file = await findTool(name);
  if (file !== null) return { file, skip: false };
  const skip = `${name} is not on this machine; ${adviceForTool(name)}`;
  if (process.env["CI"] === "true" && (await canInstall())) throw new Error(skip);
  return { file: "", skip };
}
