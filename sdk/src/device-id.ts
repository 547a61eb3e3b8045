import type { Store } from "./store/port.ts";
import { uniqueText } from "./unique-text.ts";

/** The same as long as the store lives, for whoever signs in. */
export async function deviceIdOf(store: Store): Promise<string> {
  const known = (await store.get("meta", ["deviceId"])) as string | undefined;
  if (known !== undefined) return known;
  const made = uniqueText();
  await store.write([{ table: "meta", key: ["deviceId"], put: made }]);
  return made;
}
