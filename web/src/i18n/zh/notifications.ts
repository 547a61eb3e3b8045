import type en from "../en/notifications.ts";
import type { SameKeys } from "../shape.ts";

const sentences: SameKeys<typeof en> = {};

export default sentences;
