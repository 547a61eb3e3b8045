import { ElMessage, ElMessageBox } from "element-plus";
import { t } from "../i18n/index.ts";
import { tellDone } from "../ui/errors.ts";

/** Asks before something that is hard to undo. @returns whether the user said yes */
export async function confirmed(title: string, text: string, yes: string): Promise<boolean> {
  try {
    await ElMessageBox.confirm(text, title, {
      confirmButtonText: yes,
      cancelButtonText: t("contacts.cancel"),
      confirmButtonType: "danger",
      autofocus: false,
    });
    return true;
  } catch {
    return false;
  }
}

/** Puts text on the clipboard and says so, or that the browser does not allow it. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tellDone(t("contacts.copied"));
  } catch {
    ElMessage({ message: t("contacts.copyFailed"), type: "warning", grouping: true });
  }
}
