import type { Context, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import type { MoleculerDbMethods } from "moleculer-db";
import type { Model, ModelStatic, Sequelize } from "sequelize";
import { withDatabase, type DatabaseVars } from "../database/index.ts";
import { SharedSequelizeAdapter, type TableService } from "./adapter.ts";
import { toTableError, type TableErrors } from "./errors.ts";

export interface TableOptions<M extends Model> extends TableErrors {
  /** Defines the model. Its table comes from a migration; switch `timestamps` off when it has no such columns. */
  readonly model: (sequelize: Sequelize) => ModelStatic<M>;
  /** Attribute that holds the primary key; default `id`. */
  readonly idField?: string;
}

/** What `tableMixin()` puts on `this`. Values that a client sent never go into `where`, `order`, `query` or `sort` as they are. */
export interface TableVars<M extends Model>
  extends DatabaseVars, Pick<MoleculerDbMethods, "_find" | "_count" | "_get" | "_create" | "_insert" | "_update" | "_remove"> {
  readonly model: ModelStatic<M>;
}

/** moleculer-db's own actions take `query`, `sort` and `search` from the caller: none of them exists here. */
const stockActions = {
  find: false,
  count: false,
  list: false,
  create: false,
  insert: false,
  get: false,
  update: false,
  remove: false,
};

/**
 * For a service that is a plain table behind actions: moleculer-db on the node's shared Sequelize. The service writes its
 * own actions over `this.model` or moleculer-db's methods (`this._get(ctx, { id })`); what these throw becomes an entry of
 * the table of errors.
 */
export function tableMixin<M extends Model>(options: TableOptions<M>): Partial<ServiceSchema> {
  const mixin: Partial<ServiceSchema> & { merged(schema: object): void } = {
    // The last mixin starts first and stops last.
    mixins: [DbService as unknown as Partial<ServiceSchema>, withDatabase()],
    settings: { idField: options.idField ?? "id" } as ServiceSchema["settings"],
    actions: stockActions,
    hooks: {
      error: {
        "*": function (this: TableService, _ctx: Context, error: Error) {
          throw toTableError(error, options, this.sql);
        },
      },
    },
    // Moleculer clones what a schema holds; set here, the adapter stays what it is.
    merged(schema) {
      Object.assign(schema, {
        adapter: new SharedSequelizeAdapter(options.model as (sequelize: Sequelize) => ModelStatic<Model>),
      });
    },
  };
  return mixin;
}
