import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import * as entities from "../../contracts/entities.ts";
import { errorTable } from "../../contracts/errors.ts";
import { contractOf } from "../../contracts/index.ts";
import { API_PREFIX, routes, type Route } from "../../contracts/routes.ts";
import { serverEvents } from "../../contracts/socket-events.ts";
import { commentOf, definitionOf, namedType, plainType, type Schema, type TypeNames } from "./schema-types.ts";

/** Declarations by their path in the package. */
export type Declarations = Map<string, string>;

interface Entity {
  readonly name: string;
  readonly schema: Schema;
  readonly comment: string;
}

/**
 * What clients see of the contracts, written out: the declarations of the contracts themselves are made of schemas, whose package
 * no client has.
 * @param root of the repository
 */
export function contractDeclarations(root: string): Declarations {
  const all = entitiesOf(path.join(root, "contracts/entities.ts"));
  const names = namesOf(all);
  const withImports = (text: string): string => {
    const used = [...names.values()].filter((name) => new RegExp(`\\b${name}\\b`).test(text)).sort();
    return `import type { ${used.join(", ")} } from "./entities.js";\n\n${text}`;
  };
  return new Map([
    ["contracts/entities.d.ts", all.map((entity) => entityType(entity, names)).join("\n")],
    ["contracts/index.d.ts", withImports(actionTypes(names))],
    ["contracts/routes.d.ts", 'export type { RestAction } from "./index.js";\n'],
    ["contracts/socket-events.d.ts", withImports(eventTypes(names))],
  ]);
}

/** The types that clients know by name. @param root of the repository */
export const entityNames = (root: string): TypeNames => namesOf(entitiesOf(path.join(root, "contracts/entities.ts")));

function namesOf(all: readonly Entity[]): TypeNames {
  // What is only `Record<string, …>` says no more than itself.
  const named = all.filter(({ schema }) => schema.properties ?? schema.enum ?? schema.anyOf);
  return new Map(named.map(({ name, schema }) => [plainType(schema), name]));
}

/** The types that a file exports, and those of the files that it exports whole. Each stands beside its schema, of the same name. */
function entitiesOf(file: string): Entity[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true);
  const comments = new Map(source.statements.flatMap((statement) => commentsOn(statement)));
  return source.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement) && !statement.exportClause && statement.moduleSpecifier)
      return entitiesOf(path.join(path.dirname(file), (statement.moduleSpecifier as ts.StringLiteral).text));
    if (!ts.isTypeAliasDeclaration(statement)) return [];
    const name = statement.name.text;
    const schema = (entities as Record<string, unknown>)[name];
    if (!schema) throw new Error(`the entity ${name} has no schema`);
    return [{ name, schema, comment: comments.get(name) ?? "" }];
  });
}

/** The doc comment on a schema, by its name. */
function commentsOn(statement: ts.Statement): [name: string, text: string][] {
  if (!ts.isVariableStatement(statement)) return [];
  const text = ts.getJSDocCommentsAndTags(statement).map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "");
  return statement.declarationList.declarations.map(({ name }) => [name.getText(), text.join(" ")]);
}

function entityType({ name, schema, comment }: Entity, names: TypeNames): string {
  const text = comment || schema.description;
  return `${text ? `${commentOf(text)}\n` : ""}export type ${name} = ${definitionOf(schema, names)};\n`;
}

function actionTypes(names: TypeNames): string {
  return `/** Actions that have a REST route, for \`call\`. */
export interface RestActions {
${routes.map((route) => actionType(route, names)).join("")}}
export type RestAction = keyof RestActions;
/** What an action takes. */
export type Params<A extends RestAction> = RestActions[A]["params"];
/** What an action answers. */
export type Result<A extends RestAction> = RestActions[A]["result"];
`;
}

function actionType(route: Route, names: TypeNames): string {
  const contract = contractOf(route.action);
  if (!contract) throw new Error(`${route.action} has no contract`);
  const errors = (contract.errors ?? []).map((type) => `${errorTable[type].code} ${type}`);
  const lines = [
    contract.summary,
    "",
    `\`${route.method} ${API_PREFIX}${route.path}\``,
    ...(errors.length > 0 ? ["", `@throws ImError ${errors.join(", ")}`] : []),
  ];
  const comment = lines.map((line) => `   * ${line}`.trimEnd()).join("\n");
  const [params, result] = [contract.params, contract.result].map((schema) => namedType(schema, names, "    "));
  return `  /**\n${comment}\n   */\n  "${route.action}": {\n    params: ${params};\n    result: ${result};\n  };\n`;
}

function eventTypes(names: TypeNames): string {
  const events = Object.entries(serverEvents as Readonly<Record<string, Schema>>).map(([name, schema]) => {
    const comment = schema.description ? `  ${commentOf(schema.description)}\n` : "";
    return `${comment}  "${name}": ${namedType({ ...schema, description: undefined } as Schema, names, "  ")};\n`;
  });
  return `/** What the server pushes, by the names of its events. */
export interface ServerEvents {
${events.join("")}}
export type ServerEventName = keyof ServerEvents;
export type ServerEventPayload<E extends ServerEventName> = ServerEvents[E];
`;
}
