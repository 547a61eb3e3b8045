import type { ModelStatic } from "sequelize";
import type { Settings } from "../../contracts/entities.ts";
import { invalidField } from "../../lib/validation.ts";
import type { UserSetting } from "./setting-model.ts";

/** What holds for those who never chose. */
export const DEFAULT_SETTINGS: Settings = {
  whoMayAddMe: "everyone",
  searchable: true,
  showReadReceipts: true,
  showPresence: true,
  dnd: null,
  language: "en",
};

type Model = ModelStatic<UserSetting>;

/** One entry for each id. */
export async function settingsOf(model: Model, userIds: readonly string[]): Promise<Record<string, Settings>> {
  const rows = await model.findAll({ where: { userId: [...userIds] } });
  const chosen = new Map(rows.map((row) => [String(row.userId), toSettings(row)]));
  return Object.fromEntries(userIds.map((userId) => [userId, chosen.get(userId) ?? DEFAULT_SETTINGS]));
}

/**
 * Changes the given settings and no others, in one statement: changes of different settings at one time all hold.
 * @throws VALIDATION when the time zone does not exist
 */
export async function changeSettings(model: Model, userId: string, given: Partial<Settings>): Promise<Settings> {
  if (given.dnd) checkTimeZone(given.dnd.timeZone);
  const names = Object.keys(given) as (keyof Settings)[];
  if (names.length > 0) {
    const row = { ...DEFAULT_SETTINGS, ...given };
    await model.bulkCreate([{ ...row, userId, dnd: row.dnd && JSON.stringify(row.dnd) }], { updateOnDuplicate: names });
  }
  return (await settingsOf(model, [userId]))[userId] ?? DEFAULT_SETTINGS;
}

export async function forgetSettings(model: Model, userId: string): Promise<void> {
  await model.destroy({ where: { userId } });
}

function toSettings({ whoMayAddMe, searchable, showReadReceipts, showPresence, dnd, language }: UserSetting): Settings {
  return {
    whoMayAddMe,
    searchable: Boolean(searchable),
    showReadReceipts: Boolean(showReadReceipts),
    showPresence: Boolean(showPresence),
    dnd: dnd === null ? null : (JSON.parse(dnd) as Settings["dnd"]),
    language,
  };
}

/** Offsets such as +0800 would pass as a zone, but know no summer time. */
function checkTimeZone(timeZone: string): void {
  try {
    if (/^[+-]/.test(timeZone)) throw new RangeError();
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw invalidField("dnd.timeZone", "is not a time zone of the IANA list");
  }
}
