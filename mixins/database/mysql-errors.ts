import { ConnectionError } from "sequelize";
import type { ErrorType } from "../../contracts/errors.ts";

const UNAVAILABLE = "UNAVAILABLE" satisfies ErrorType;

/** The server answered with an error: what the statement did is undone. */
export class MysqlError extends Error {
  readonly errno: number;
  readonly code: string;
  /** The name of the unique key that was hit, with its table where the server says so. */
  readonly key: string | null;
  /** The columns of that key, once they were looked up. */
  columns: readonly string[] | null = null;
  declare readonly type?: ErrorType;

  constructor(errno: number, code: string, message: string, key: string | null = null) {
    super(message);
    this.name = "MysqlError";
    this.errno = errno;
    this.code = code;
    this.key = key;
    if (TRANSIENT.has(errno)) Object.assign(this, { type: UNAVAILABLE });
  }
}

/** The server cannot be reached, did not answer in time, or had no connection to spare. Nothing was written. */
export class MysqlUnavailable extends Error {
  readonly type: ErrorType = UNAVAILABLE;
  override name = "MysqlUnavailable";
}

/**
 * The connection was lost while the server wrote or committed: whether it did nobody can say. Another try is up to the caller,
 * who must find the same result as if the first had never been, or had been all there was.
 */
export class OutcomeUnknown extends MysqlUnavailable {
  override name = "OutcomeUnknown";
}

export const DUPLICATE_KEY = 1062;
export const NO_SUCH_TABLE = 1146;

/** After these the session is of no more use. */
const SESSION_ENDED = new Set([
  1053, // ER_SERVER_SHUTDOWN
  1152, // ER_ABORTING_CONNECTION
  1927, // ER_CONNECTION_KILLED of MariaDB
  3169, // ER_SESSION_WAS_KILLED
  4031, // ER_CLIENT_INTERACTION_TIMEOUT
]);

/** A server that has become read-only: the one that writes now may answer at the same address. */
const READ_ONLY = new Set([
  1290, // ER_OPTION_PREVENTS_STATEMENT
  1792, // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
  1836, // ER_READ_ONLY_MODE
]);

/** The whole transaction was rolled back or never began; so also when COMMIT is answered with one of these. */
const ROLLED_BACK = new Set([
  ...READ_ONLY,
  1020, // ER_CHECKREAD: the row was changed since the snapshot
  1047, // ER_UNKNOWN_COM_ERROR: a node of Galera that is not ready
  1205, // ER_LOCK_WAIT_TIMEOUT
  1213, // ER_LOCK_DEADLOCK
  3101, // ER_TRANSACTION_ROLLBACK_DURING_COMMIT of group replication
  3572, // ER_LOCK_NOWAIT
]);

/** Says something of the moment or the machine and nothing of the data. */
const TRANSIENT = new Set([
  ...SESSION_ENDED,
  ...ROLLED_BACK,
  1021, // ER_DISK_FULL
  1037, // ER_OUTOFMEMORY
  1040, // ER_CON_COUNT_ERROR
  1041, // ER_OUT_OF_RESOURCES
  1114, // ER_RECORD_FILE_FULL: no room for the table
  1129, // ER_HOST_IS_BLOCKED
  1180, // ER_ERROR_DURING_COMMIT
  1203, // ER_TOO_MANY_USER_CONNECTIONS
  1206, // ER_LOCK_TABLE_FULL
  1226, // ER_USER_LIMIT_REACHED
  1317, // ER_QUERY_INTERRUPTED
  1412, // ER_TABLE_DEF_CHANGED
  1969, // ER_STATEMENT_TIMEOUT of MariaDB
  3024, // ER_QUERY_TIMEOUT
  3100, // ER_RUN_HOOK_ERROR of group replication
]);

/** Errors whose text names columns, tables and users; others may quote what was to be written, which no log may hold. */
const TELLING = new Set([1044, 1045, 1048, 1049, 1050, 1054, 1060, 1061, 1091, 1142, 1146, 1264, 1364, 1406, 1644, ...TRANSIENT]);

interface ServerAnswer {
  readonly errno: number;
  readonly sqlState?: string;
  readonly code?: string;
  readonly message: string;
}

/** Whether the server itself answered, and not the network or the client. */
export function isServerAnswer(error: unknown): error is ServerAnswer {
  return error instanceof Error && "errno" in error && typeof error.errno === "number" && error.errno >= 1_000;
}

/** @param statement with the names of its placeholders, never with their values */
export function toMysqlError({ errno, code = "ER_UNKNOWN", message }: ServerAnswer, statement: string): MysqlError {
  const key = errno === DUPLICATE_KEY ? keyIn(message) : null;
  const told = TELLING.has(errno) ? message : key === null ? code : `${code} for key ${key}`;
  return new MysqlError(errno, code, `${told} (${errno}) in: ${shorten(statement)}`, key);
}

/** What was written stands in front of the key's name, in quotes as well. */
export const keyIn = (message: string): string | null => /^.* for key '(.+)'$/s.exec(message)?.[1] ?? null;

const MAX_SHOWN = 500;
const shorten = (statement: string): string => statement.replaceAll(/\s+/g, " ").slice(0, MAX_SHOWN);

/** The error of the server or the connection, also from inside Sequelize's wrapping; null when it has another origin. */
function origin(error: unknown): MysqlError | MysqlUnavailable | ServerAnswer | null {
  if (error instanceof MysqlError || error instanceof MysqlUnavailable || isServerAnswer(error)) return error;
  return error instanceof Error && "parent" in error ? origin(error.parent) : null;
}

export function isTransientMysql(error: unknown): boolean {
  const failure = origin(error);
  if (failure === null) return error instanceof ConnectionError;
  return failure instanceof MysqlUnavailable || TRANSIENT.has(failure.errno);
}

/** Another try within this call can cure it, and cannot do anything twice. */
export function isRepeatable(error: unknown): boolean {
  return isTransientMysql(error) && !(error instanceof OutcomeUnknown);
}

/** The server's answer to COMMIT leaves no doubt that nothing was committed. */
export function isRolledBack(error: unknown): boolean {
  return error instanceof MysqlError && ROLLED_BACK.has(error.errno);
}

export function isReadOnly(error: unknown): boolean {
  return error instanceof MysqlError && READ_ONLY.has(error.errno);
}

export function endsSession({ errno }: { readonly errno: number }): boolean {
  return SESSION_ENDED.has(errno);
}

/** The columns of the unique key that was hit (its name when they could not be looked up), else null. */
export function uniqueColumnsMysql(error: unknown): readonly string[] | null {
  const failure = origin(error);
  if (failure === null || failure instanceof MysqlUnavailable || failure.errno !== DUPLICATE_KEY) return null;
  if ("columns" in failure && failure.columns) return failure.columns;
  const key = failure instanceof MysqlError ? failure.key : keyIn(failure.message);
  return key === null ? [] : [key];
}
