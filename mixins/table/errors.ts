import { UniqueConstraintError, ValidationError } from "sequelize";
import type { ErrorType } from "../../contracts/errors.ts";
import { imError } from "../../lib/errors.ts";
import type { Database } from "../database/port.ts";

export interface TableErrors {
  /** What a caller gets when there is no row of that id. */
  readonly notFound: ErrorType;
  /** What a caller gets when a unique key is taken. */
  readonly conflict: ErrorType;
}

/** Turns what moleculer-db and Sequelize throw into the table of errors; what is none of theirs stays as it is. */
export function toTableError(error: unknown, errors: TableErrors, db: Database): unknown {
  if (error instanceof Error && error.name === "EntityNotFoundError") return imError(errors.notFound);
  if (error instanceof UniqueConstraintError) return imError(errors.conflict);
  if (error instanceof ValidationError) return imError("VALIDATION", { fields: error.errors.map(({ path }) => path) });
  return db.isTransient(error) ? imError("UNAVAILABLE") : error;
}
