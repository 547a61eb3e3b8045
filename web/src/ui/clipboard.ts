import { ElMessage } from "element-plus";
import { t } from "../i18n/index.ts";
import { tellDone } from "./errors.ts";

/** Copies a text and says whether that worked. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tellDone(t("shell.copied"));
  } catch {
    ElMessage({ message: t("shell.copyFailed"), type: "warning", grouping: true });
  }
}
