import { createClient, type ImClient } from "@moleculer-im/client";
import { language } from "../i18n/index.ts";

/** What other devices call this one, such as `Firefox, Linux`. */
function browserName(agent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Macintosh|Linux)/.exec(agent)?.[1];
  const named: Readonly<Record<string, string>> = { Edg: "Edge", OPR: "Opera", Macintosh: "macOS" };
  return [browser, system]
    .filter((part) => part !== undefined)
    .map((part) => named[part] ?? part)
    .join(", ");
}

/** The one client of this page. */
export const im: ImClient = createClient({
  deviceType: "web",
  deviceName: browserName(navigator.userAgent),
  language: language.value,
});
