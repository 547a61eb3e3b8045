import { ElMessageBox } from "element-plus";
import { t } from "../i18n/index.ts";

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
