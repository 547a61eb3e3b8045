import {
  DataTypes,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type ModelStatic,
  type Sequelize,
} from "sequelize";
import type { Settings } from "../../contracts/entities.ts";

/** A row of `user_setting`; only those who ever asked for a change have one. */
export interface UserSetting extends Model<InferAttributes<UserSetting>, InferCreationAttributes<UserSetting>> {
  userId: CreationOptional<string>;
  whoMayAddMe: Settings["whoMayAddMe"];
  searchable: boolean;
  showReadReceipts: boolean;
  showPresence: boolean;
  /** JSON. */
  dnd: string | null;
  language: Settings["language"];
}

export function defineSettings(sequelize: Sequelize): ModelStatic<UserSetting> {
  const column = (type: DataTypes.DataType, field: string) => ({ type, field, allowNull: false });
  return sequelize.define<UserSetting>(
    "UserSetting",
    {
      userId: { ...column(DataTypes.BIGINT, "user_id"), primaryKey: true },
      whoMayAddMe: column(DataTypes.STRING(10), "who_may_add_me"),
      searchable: column(DataTypes.BOOLEAN, "searchable"),
      showReadReceipts: column(DataTypes.BOOLEAN, "show_read_receipts"),
      showPresence: column(DataTypes.BOOLEAN, "show_presence"),
      dnd: { type: DataTypes.STRING(200), allowNull: true },
      language: column(DataTypes.STRING(5), "language"),
    },
    { tableName: "user_setting", timestamps: false },
  );
}
