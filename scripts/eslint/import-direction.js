import path from "node:path";

/**
 * Lint rule for the one-way imports: services → mixins → lib → config → contracts. What stands in no room (tests, scripts,
 * benchmarks, the entry files) may import every room, and no room may import it.
 */

/** For each room, the other rooms it may import. Migrations stand beside the database mixin, which runs them. */
const ALLOWED = {
  contracts: [],
  config: ["contracts"],
  lib: ["config", "contracts"],
  migrations: ["mixins", "lib", "config", "contracts"],
  mixins: ["migrations", "lib", "config", "contracts"],
  services: ["mixins", "lib", "config", "contracts"],
};

/** Files outside the rooms that every room may import. */
const SHARED_FILES = new Set(["package.json"]);

/** @param {string} file absolute path  @param {string} root */
function locate(file, root) {
  const parts = path.relative(root, file).split(path.sep);
  const [room = "", folder = ""] = parts;
  return { relative: parts.join("/"), room, folder: parts.length > 2 ? folder : null };
}

/**
 * Why `from` may not import `target`, or null when it may.
 * @param {string} from absolute path of the importing file
 * @param {string} target absolute path of the imported file
 * @param {string} root absolute path of the repository
 */
export function importProblem(from, target, root) {
  const source = locate(from, root);
  const imported = locate(target, root);
  const allowed = ALLOWED[/** @type {keyof typeof ALLOWED} */ (source.room)];
  if (!allowed || SHARED_FILES.has(imported.relative)) return null;
  if (source.room !== imported.room) {
    if (allowed.some((room) => room === imported.room)) return null;
    const may = allowed.length > 0 ? `only ${allowed.join(", ")}` : "nothing of ours";
    return `${source.room}/ imports ${may}, not ${imported.relative}.`;
  }
  if (source.room !== "services" || source.folder === null || source.folder === imported.folder) return null;
  return `services/${source.folder}/ never imports another service (${imported.relative}); call its contract.`;
}

/** @type {import("eslint").Rule.RuleModule} */
export const importDirection = {
  meta: {
    type: "problem",
    docs: { description: "Imports go one way: services → mixins → lib → config → contracts." },
    schema: [{ type: "object", properties: { root: { type: "string" } }, additionalProperties: false }],
  },
  create(context) {
    const root = context.options[0]?.root ?? context.cwd;
    /** @param {any} node node whose `source` names the imported module */
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
      const message = importProblem(context.filename, path.resolve(path.dirname(context.filename), specifier), root);
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
