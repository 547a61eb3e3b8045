import { format, resolveConfig } from "prettier";
import { errorTable } from "../../contracts/errors.ts";
import { contractOf } from "../../contracts/index.ts";
import { API_PREFIX, routes, type Route } from "../../contracts/routes.ts";
import { entityNames } from "./contract-types.ts";
import { namedType, type TypeNames } from "./schema-types.ts";

const TITLES: Readonly<Record<string, string>> = {
  auth: "Sign-in and devices",
  conversation: "Conversations",
  friend: "Friends",
  group: "Groups",
  message: "Messages",
  notification: "Notifications",
  scheduler: "Messages at a later time",
  settings: "Settings",
  sync: "Sync",
  user: "Users",
};

const HEAD = `<!-- Written by \`npm run build:sdk -- --docs\`. -->

# Every call

\`im.call(action, params)\` for all actions of the server, by the user who is signed in. Types in capitals are exported by the package.
Each may also throw 0, 1004, 9001, 9005 and 9006 ([errors](errors.md)). What the client has a method of its own for is better asked of that:
it shows at once and is kept where it can be.
`;

/**
 * The page of the documentation that lists every action with a REST route.
 * @param root of the repository
 * @param file where it will stand, for its format
 */
export async function callsPage(root: string, file: string): Promise<string> {
  const names = entityNames(root);
  const services = [...new Set(routes.map(({ action }) => serviceOf(action)))].sort();
  const parts = services.map((service) => {
    const own = routes.filter(({ action }) => serviceOf(action) === service);
    return `## ${TITLES[service] ?? service}\n\n${own.map((route) => callText(route, names)).join("\n")}`;
  });
  return format([HEAD, ...parts].join("\n"), { ...(await resolveConfig(file)), parser: "markdown" });
}

const serviceOf = (action: string): string => action.split(".")[0] ?? action;

function callText(route: Route, names: TypeNames): string {
  const contract = contractOf(route.action);
  if (!contract) throw new Error(`${route.action} has no contract`);
  const [params, result] = [contract.params, contract.result].map((schema) => namedType(schema, names));
  const errors = (contract.errors ?? []).map((type) => `${errorTable[type].code} ${type}`);
  const takes = params === "object" ? "" : `type Params = ${params};\n`;
  return `### ${route.action}

${contract.summary}. \`${route.method} ${API_PREFIX}${route.path}\`

\`\`\`typescript
${takes}type Result = ${result};
\`\`\`
${errors.length > 0 ? `\nThrows ${errors.join(", ")}.\n` : ""}`;
}
