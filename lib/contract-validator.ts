import { Validators } from "moleculer";
import type { TSchema } from "typebox";
import { checkOf } from "./validation.ts";

/** Moleculer's validator for our contracts (TypeBox); schemas of other kinds (Moleculer's own actions) stay with the built-in one. */
export class ContractValidator extends Validators.Fastest {
  override compile(schema: Record<string, unknown>): ReturnType<Validators.Fastest["compile"]> {
    if (schema["type"] === "object" && typeof schema["properties"] === "object") {
      return checkOf(schema as unknown as TSchema) as unknown as ReturnType<Validators.Fastest["compile"]>;
    }
    return super.compile(schema);
  }
}
