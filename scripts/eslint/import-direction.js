import path from "node:path";

/**
 * Lint rule for the one-way imports: services → mixins → lib → config → contracts on the server, web → sdk → contracts in the
 * clients, and nothing between the two. What stands in no room (tests, scripts, benchmarks, configurations) may import every
 * room, and no room may import it.
 */

/** For each room, the other rooms it may import. Migrations stand beside the database mixin, which runs them. */
const ALLOWED = {
  contracts: [],
  config: ["contracts"],
  lib: ["config", "contracts"],
  migrations: ["mixins", "lib", "config", "contracts"],
  mixins: ["migrations", "lib", "config", "contracts"],
  services: ["mixins", "lib", "config", "contracts"],
  sdk: ["contracts"],
  web: ["sdk", "contracts"],
};

/** Rooms of what runs on a user's device: their code is what stands in `src`. */
const CLIENTS = ["sdk", "web"];

/** What else is the server's: it may import every room but these. */
const SERVER_PARTS = ["runtime", "repl", "index.ts", "create-im.ts", "moleculer.config.ts"];

/** Files of the contracts that are plain values; the others bring schemas with them, so clients take their types alone. */
const PLAIN_CONTRACTS = new Set(["contracts/limits.ts", "contracts/quotes.ts", "contracts/routes.ts"]);

/** What clients see of the SDK, and its name there. */
const SDK_ENTRY = "sdk/src/index.ts";
const SDK_NAME = "@moleculer-im/client";

/** Files outside the rooms that every room may import. */
const SHARED_FILES = new Set(["package.json"]);

/** @param {string} file absolute path  @param {string} root */
function locate(file, root) {
  const parts = path.relative(root, file).split(path.sep);
  const [first = "", folder = ""] = parts;
  const room = CLIENTS.includes(first) && folder !== "src" ? `${first}/${folder}` : first;
  return { relative: parts.join("/"), room, folder: parts.length > 2 ? folder : null };
}

/**
 * Why `from` may not import `target`, or null when it may.
 * @param {string} from absolute path of the importing file
 * @param {string} target absolute path of the imported file
 * @param {string} root absolute path of the repository
 * @param {boolean} isType only types are imported
 */
export function importProblem(from, target, root, isType = false) {
  const source = locate(from, root);
  const imported = locate(target, root);
  if (SHARED_FILES.has(imported.relative)) return null;
  if (SERVER_PARTS.includes(source.room) && CLIENTS.includes(imported.room)) {
    return `The server imports nothing of the clients (${imported.relative}).`;
  }
  const allowed = ALLOWED[/** @type {keyof typeof ALLOWED} */ (source.room)];
  if (!allowed) return null;
  if (source.room !== imported.room) {
    if (allowed.some((room) => room === imported.room)) return problemOfClient(source.room, imported, isType);
    const may = allowed.length > 0 ? `only ${allowed.join(", ")}` : "nothing of ours";
    return `${source.room}/ imports ${may}, not ${imported.relative}.`;
  }
  if (source.room !== "services" || source.folder === null || source.folder === imported.folder) return null;
  return `services/${source.folder}/ never imports another service (${imported.relative}); call its contract.`;
}

/** @param {string} room  @param {{ room: string, relative: string }} imported  @param {boolean} isType */
function problemOfClient(room, imported, isType) {
  if (!CLIENTS.includes(room)) return null;
  if (imported.room === "sdk") return imported.relative === SDK_ENTRY ? null : `${room}/ imports ${SDK_NAME}, not its files.`;
  if (isType || PLAIN_CONTRACTS.has(imported.relative)) return null;
  return `${room}/ imports types alone from ${imported.relative}: its values bring schemas with them.`;
}

/**
 * What a specifier leads to, when it is ours.
 * @param {string} specifier  @param {string} from  @param {string} root
 */
function targetOf(specifier, from, root) {
  if (specifier === SDK_NAME) return path.join(root, SDK_ENTRY);
  if (specifier.startsWith(`${SDK_NAME}/`)) return path.join(root, "sdk/src", `${specifier.slice(SDK_NAME.length + 1)}.ts`);
  return specifier.startsWith(".") ? path.resolve(path.dirname(from), specifier) : null;
}

/** @type {import("eslint").Rule.RuleModule} */
export const importDirection = {
  meta: {
    type: "problem",
    docs: { description: "Imports go one way: services → mixins → lib → config → contracts, and web → sdk → contracts." },
    schema: [{ type: "object", properties: { root: { type: "string" } }, additionalProperties: false }],
  },
  create(context) {
    const root = context.options[0]?.root ?? context.cwd;
    /** @param {any} node node whose `source` names the imported module */
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== "string") return;
      const target = targetOf(specifier, context.filename, root);
      if (target === null) return;
      const isType = [node.importKind, node.exportKind].includes("type") || node.type === "TSImportType";
      const message = importProblem(context.filename, target, root, isType);
      if (message) context.report({ node: node.source, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
};
