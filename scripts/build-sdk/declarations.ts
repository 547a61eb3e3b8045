import path from "node:path";
import ts from "typescript";
import { contractDeclarations, type Declarations } from "./contract-types.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SOURCE = path.join(ROOT, "sdk/src");
const ENTRIES = ["index.ts", "node.ts"];
const REPLACED = ["entities", "index", "socket-events"];
/** What the table of routes takes from the contracts, beside what clients see. */
const FOR_ROUTES = "export type ActionName = RestAction;\n";

/**
 * The declarations of the package by their path in it: those of the SDK as the compiler makes them, and what they need of the
 * contracts. They import nothing but each other.
 * @throws Error where the SDK does not compile for the oldest Node that it promises
 */
export function sdkDeclarations(): Declarations {
  const contracts = contractDeclarations(ROOT);
  const options = { ...baseOptions(), lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"], types: ["node"] };
  const program = ts.createProgram(
    ENTRIES.map((entry) => path.join(SOURCE, entry)),
    options,
    hostWith(contracts, options),
  );
  check(program);
  return needed(new Map([...emitted(program), ...contracts]));
}

/** Reads the contracts as clients see them in the place of the schemas, which would take most of the time. */
function hostWith(contracts: Declarations, options: ts.CompilerOptions): ts.CompilerHost {
  const texts = new Map(
    REPLACED.map((name) => [path.join(ROOT, `contracts/${name}.ts`), contracts.get(`contracts/${name}.d.ts`)]),
  );
  const index = path.join(ROOT, "contracts/index.ts");
  texts.set(index, texts.get(index) + FOR_ROUTES);
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (file) => texts.get(path.resolve(file)) ?? readFile(file);
  return host;
}

function baseOptions(): ts.CompilerOptions {
  const file = path.join(ROOT, "tsconfig.json");
  const { config, error } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as {
    config?: object;
    error?: ts.Diagnostic;
  };
  if (error) throw new Error(textOf(error));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: ROOT, outDir: ROOT };
}

function check(program: ts.Program): void {
  const own = program.getSourceFiles().filter(({ fileName }) => path.resolve(fileName).startsWith(SOURCE + path.sep));
  const found = own.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]);
  if (found.length > 0) throw new Error(found.map(textOf).join("\n"));
}

function textOf({ file, start = 0, messageText }: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (!file) return text;
  return `${path.relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ${text}`;
}

/** Of `sdk/src` alone; its imports lead to places in the package. */
function emitted(program: ts.Program): Declarations {
  const found: Declarations = new Map();
  for (const source of program.getSourceFiles()) {
    if (!path.resolve(source.fileName).startsWith(SOURCE + path.sep)) continue;
    const write: ts.WriteFileCallback = (file, text) => {
      const place = placeOf(file);
      found.set(
        place,
        text.replace(SPECIFIER, (_, before: string, to: string) => before + specifierOf(place, file, to)),
      );
    };
    program.emit(source, write, undefined, true);
  }
  return found;
}

/** What a declaration imports: `from "./types.ts"`, `import("./types.ts")`, with the quote before it. */
const SPECIFIER = /((?:\bfrom |\bimport |\bimport\()")(\.[^"]*)(?=")/g;

/** `…/sdk/src/store/port.d.ts` → `store/port.d.ts`, `…/contracts/index.d.ts` → `contracts/index.d.ts`. */
function placeOf(file: string): string {
  const inSource = path.relative(SOURCE, file);
  return inSource.startsWith("..") ? path.relative(ROOT, file) : inSource;
}

function specifierOf(place: string, file: string, specifier: string): string {
  const target = placeOf(path.resolve(path.dirname(file), specifier)).replace(/\.[jt]s$/, ".js");
  const relative = path.relative(path.dirname(place), target);
  return relative.startsWith(".") ? relative : `./${relative}`;
}

/** Those that the entries lead to. @throws Error when one of them is missing, or something else is imported */
function needed(all: Declarations): Declarations {
  const places = new Set(ENTRIES.map((entry) => entry.replace(/\.ts$/, ".d.ts")));
  for (const place of places) {
    const text = all.get(place);
    if (text === undefined) throw new Error(`there is no declaration for ${place}`);
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (!fileName.startsWith(".")) throw new Error(`${place} needs the types of ${fileName}`);
      places.add(path.join(path.dirname(place), fileName).replace(/\.js$/, ".d.ts"));
    }
  }
  return new Map([...places].map((place) => [place, all.get(place)!]));
}
