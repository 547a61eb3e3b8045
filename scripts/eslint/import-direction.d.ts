import type { Rule } from "eslint";

export const importDirection: Rule.RuleModule;
export function importProblem(from: string, target: string, root: string, isType?: boolean): string | null;
