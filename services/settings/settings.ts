import type { ModelStatic } from "sequelize";
import type { Settings } from "../../contracts/entities.ts";
import { invalidField } from "../../lib/validation.ts";
import type { Database, SqlValue, Tx } from "../../mixins/database/index.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";
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

export interface ChangeDeps {
  readonly sql: Database;
  readonly outbox: Pick<Outbox, "add">;
  readonly model: Model;
  readonly requestId: string | null;
}

/**
 * Changes the given settings and no others: changes of different settings at one time all hold. What has another value
 * afterwards is told by an event of the same transaction.
 * @throws VALIDATION when the time zone does not exist
 */
export async function changeSettings(deps: ChangeDeps, userId: string, given: Partial<Settings>): Promise<Settings> {
  if (given.dnd) checkTimeZone(given.dnd.timeZone);
  const { sql, outbox, model, requestId } = deps;
  const names = Object.keys(given) as (keyof Settings)[];
  if (names.length > 0) {
    await sql.transaction(async (tx) => {
      const changed = await storeChange(deps, userId, given, tx);
      if (changed.length > 0)
        await outbox.add(tx, { subject: "im.user.settings.changed", key: userId, payload: { userId, changed }, requestId });
    });
  }
  return (await settingsOf(model, [userId]))[userId] ?? DEFAULT_SETTINGS;
}

/** Stores the given settings and names those whose value it changed. */
async function storeChange({ sql, model }: ChangeDeps, userId: string, given: Partial<Settings>, tx: Tx): Promise<string[]> {
  // From here on nobody else changes the row before this transaction ends.
  await sql.insertRows("user_setting", [{ user_id: userId, ...columnsOf(model, DEFAULT_SETTINGS) }], "keep", tx);
  const [before] = await sql.select("select * from user_setting where user_id = :userId", { userId }, tx);
  const after = columnsOf(model, given);
  const changed = Object.keys(given).filter((name) => before?.[columnOf(model, name)] !== after[columnOf(model, name)]);
  if (changed.length === 0) return [];
  const assignments = Object.keys(after).map((column) => `${column} = :${column}`);
  await sql.execute(`update user_setting set ${assignments.join(", ")} where user_id = :userId`, { ...after, userId }, tx);
  return changed;
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

/** The row's columns that hold these settings. */
function columnsOf(model: Model, settings: Partial<Settings>): Record<string, SqlValue> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [columnOf(model, name), toColumn(value)]));
}

const columnOf = (model: Model, name: string): string => model.getAttributes()[name as keyof Settings].field ?? name;

function toColumn(value: Settings[keyof Settings]): SqlValue {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "string" ? value : value && JSON.stringify(value);
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
