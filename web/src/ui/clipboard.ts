import { ElMessage } from "element-plus";
import { t } from "../i18n/index.ts";
import { tellDone } from "./errors.ts";

/** Copies a text and says whether that worked. */
export async function copyText(text: string): Promise<void> {
  if ((await copyByClipboard(text)) || copyBySelection(text)) tellDone(t("shell.copied"));
  else ElMessage({ message: t("shell.copyFailed"), type: "warning", grouping: true });
}

async function copyByClipboard(text: string): Promise<boolean> {
  // A page on plain http has no clipboard, whatever its type says.
  const { clipboard } = navigator as { readonly clipboard?: Clipboard };
  if (!clipboard) return false;
  return clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

/** The way of before there was a clipboard, which pages on plain http still have. What has the focus keeps it. */
function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.className = "visually-hidden";
  area.readOnly = true;
  area.value = text;
  document.body.append(area);
  try {
    area.select();
    return document.execCommand("copy");
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
