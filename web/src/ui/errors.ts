import { ImError } from "@moleculer-im/client";
import { ElMessage } from "element-plus";
import { t } from "../i18n/index.ts";

const CODE = { sendFailed: 3001, validation: 9001, rateLimited: 9005 } as const;

/** What is wrong with a field of a request: its name, and the server's words. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** The fields that the server named in a refusal of bad input; empty for any other error. */
export function fieldProblems(error: unknown): readonly FieldProblem[] {
  const fields = error instanceof ImError ? error.data?.["fields"] : undefined;
  if (!Array.isArray(fields)) return [];
  return fields.filter((problem): problem is FieldProblem => typeof (problem as FieldProblem | null)?.field === "string");
}

/** A sentence for the user about anything that was thrown, in the language of the page. */
export function explain(error: unknown): string {
  if (!(error instanceof ImError)) return t("shell.error.unexpected");
  if (error.code === 0) return t("shell.error.offline");
  if (error.code === CODE.sendFailed) return t("shell.error.busy");
  if (error.code === CODE.rateLimited) return t("shell.error.tooFast", Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  const problems = fieldProblems(error);
  if (error.code !== CODE.validation || problems.length === 0) return error.message;
  return t("shell.error.invalid", { fields: problems.map(({ field, message }) => `${field} ${message}`).join("; ") });
}

/** Shows an error for a few seconds. */
export function tell(error: unknown): void {
  ElMessage({ message: explain(error), type: "error", grouping: true, showClose: true });
}

/** Shows that something was done. */
export function tellDone(message: string): void {
  ElMessage({ message, type: "success", grouping: true });
}
