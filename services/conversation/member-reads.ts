import { gather, type GatherOptions } from "../../lib/gather.ts";
import type { Database, SqlParams } from "../../mixins/database/port.ts";
import { columns, type MemberRow } from "./rows.ts";
import { conversationsVersions } from "./versions.ts";

export interface Named {
  readonly userId: string;
  readonly conversationIds: readonly string[];
}

/** What many ask for at once, as when all clients come back, goes into few statements. */
const BY_USER: GatherOptions = { parallel: 2, maxItems: 64 };

/** Reads of rows of one user, which share their statements with those of others. */
export class MemberReads {
  /** The value of each user's counter. */
  readonly version: (userIds: readonly string[]) => Promise<readonly number[]>;
  /** All rows of each user. */
  readonly ofUser = gather((userIds: readonly string[]) => this.#ofUser(userIds), BY_USER);
  /** Those of each user's rows that are named. */
  readonly some = gather((named: readonly Named[]) => this.#some(named), BY_USER);
  /** The groups that each user is in. */
  readonly activeGroups = gather((userIds: readonly string[]) => this.#activeGroups(userIds), BY_USER);
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
    this.version = gather((userIds) => conversationsVersions(sql, userIds), BY_USER);
  }

  async #ofUser(userIds: readonly string[]): Promise<MemberRow[][]> {
    const rows = await this.#sql.select<MemberRow>(
      `select ${columns} from conversation_member where user_id in (:userIds) order by user_id, conversation_id`,
      { userIds },
    );
    return byUser(userIds, rows);
  }

  async #some(named: readonly Named[]): Promise<MemberRow[][]> {
    const one = (_: Named, i: number): string => `(user_id = :user${i} and conversation_id in (:ids${i}))`;
    const params: SqlParams[] = named.map(({ userId, conversationIds }, i) => ({
      [`user${i}`]: userId,
      [`ids${i}`]: conversationIds,
    }));
    const rows = await this.#sql.select<MemberRow>(
      `select ${columns} from conversation_member where ${named.map(one).join(" or ")} order by user_id, conversation_id`,
      Object.assign({}, ...params) as SqlParams,
    );
    const found = byUser(
      named.map(({ userId }) => userId),
      rows,
    );
    return named.map(({ conversationIds }, i) => {
      const wanted = new Set(conversationIds);
      return found[i]!.filter(({ conversation_id }) => wanted.has(conversation_id));
    });
  }

  async #activeGroups(userIds: readonly string[]): Promise<string[][]> {
    const rows = await this.#sql.select<MemberRow>(
      "select user_id, conversation_id from conversation_member where user_id in (:userIds) and active = 1 and substr(conversation_id, 1, 2) = 'g_'",
      { userIds },
    );
    return byUser(userIds, rows).map((theirs) => theirs.map((row) => row.conversation_id));
  }
}

function byUser<R extends { user_id: string | number }>(userIds: readonly string[], rows: readonly R[]): R[][] {
  const found = Map.groupBy(rows, ({ user_id }) => String(user_id));
  return userIds.map((userId) => found.get(userId) ?? []);
}
