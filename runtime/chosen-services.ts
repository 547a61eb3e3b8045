import type { Middleware, ServiceBroker, ServiceSchema } from "moleculer";
import { ConfigError } from "../config/config-error.ts";
import { contracts } from "../contracts/index.ts";

/** The edge has routes and no actions, so no contract. */
const KNOWN = [...Object.keys(contracts), "api"].sort();
/** As the only name: no service at all, for a node that is an operator's console. */
export const NO_SERVICE = "none";

/**
 * Leaves out every service but these (`IM_SERVICES`); null runs all, the one name "none" runs none. Services of the framework (`$node`) always run.
 * @throws ConfigError for a name that no service has
 */
export function runOnly(names: readonly string[] | null): Middleware {
  if (names === null) return { name: "chosen-services" };
  const isConsole = names.length === 1 && names[0] === NO_SERVICE;
  const unknown = isConsole ? [] : names.filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0)
    throw new ConfigError([`IM_SERVICES: no service is called ${unknown.join(", ")}; there are ${KNOWN.join(", ")}.`]);
  const isChosen = ({ name }: ServiceSchema): boolean => name.startsWith("$") || names.includes(name);
  const createService = (next: ServiceBroker["createService"]) => (schema: ServiceSchema, more?: Partial<ServiceSchema>) =>
    isChosen(schema) ? next(schema, more) : undefined;
  // Moleculer's declarations name what the wrapped method returns where they mean the method.
  return { name: "chosen-services", createService: createService as unknown as NonNullable<Middleware["createService"]> };
}
