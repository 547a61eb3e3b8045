import type { Service, ServiceBroker } from "moleculer";
import SequelizeDbAdapter from "moleculer-db-adapter-sequelize";
import type { Model, ModelStatic, Sequelize } from "sequelize";
import type { Database } from "../database/port.ts";

/** The service as the adapter finds it once `withDatabase()` has started. */
export interface TableService extends Service {
  sql: Database;
  model?: ModelStatic<Model>;
}

/** The Sequelize adapter on the node's shared database: it neither opens it nor closes it for the others. */
export class SharedSequelizeAdapter extends SequelizeDbAdapter {
  declare broker: ServiceBroker;
  declare service: TableService;
  declare db: Sequelize;
  declare model: ModelStatic<Model>;
  readonly #define: (sequelize: Sequelize) => ModelStatic<Model>;

  constructor(define: (sequelize: Sequelize) => ModelStatic<Model>) {
    super({});
    this.#define = define;
  }

  override init(broker: ServiceBroker, service: Service): void {
    this.broker = broker;
    this.service = service as TableService;
  }

  /** The table itself is made by a migration. */
  override async connect(): Promise<void> {
    this.db = this.service.sql.sequelize;
    this.model = this.#define(this.db);
    this.service.model = this.model;
  }

  override disconnect(): Promise<void> {
    return Promise.resolve();
  }
}
