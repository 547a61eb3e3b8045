import type { FileHandle } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import { deepFreeze } from "./own-operations.ts";
import { StoreError } from "./port.ts";
import type { Key, Operation, Table } from "./port.ts";

/** The first line of each file. */
export const HEADER = `${JSON.stringify({ format: "moleculer-im-client-store", version: 1 })}\n`;

const NOT_A_STORE = "the file is not a store, or one of another version";
const LINE_FEED = 10;
const READ_BYTES = 1 << 20;

/** An operation as JSON; a value that JSON does not have, such as a date or bytes, is packed. */
type StoredOperation = Operation | { readonly table: Table; readonly packed: string; readonly key: Key };

/** One line is all or nothing: what a crash cut off is not read. */
export function encodeLine(operations: readonly Operation[]): string {
  return `${JSON.stringify(operations.map(packed))}\n`;
}

/** @throws SyntaxError when it is no line of ours */
export function decodeLine(line: string): Operation[] {
  const operations: unknown = JSON.parse(line);
  if (!Array.isArray(operations)) throw new SyntaxError("not a list of operations");
  return deepFreeze((operations as StoredOperation[]).map(unpacked));
}

/**
 * What a file holds, line by line.
 * @returns where the last whole line ends, in bytes; what follows was cut off by a crash
 * @throws StoreError when it is no file of ours, or is damaged in its middle
 */
export async function readLines(file: FileHandle, use: (operations: Operation[]) => void): Promise<number> {
  let end = 0;
  let damaged: { readonly line: number; readonly cause: unknown } | null = null;
  let line = 0;
  for await (const bytes of lines(file)) {
    line += 1;
    const text = bytes.toString("utf8");
    if (line === 1 && text !== HEADER) throw new StoreError(NOT_A_STORE);
    if (damaged) throw new StoreError(`line ${damaged.line} is damaged`, { cause: damaged.cause });
    try {
      if (line > 1) use(decodeLine(text));
      end += bytes.length;
    } catch (cause) {
      damaged = { line, cause }; // the last one may be: nobody was told that it is kept
    }
  }
  if (line === 0) throw new StoreError(NOT_A_STORE);
  return end;
}

/** The lines that have an end, with it. */
async function* lines(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(READ_BYTES);
  let rest: Buffer[] = [];
  for (let position = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    const read = Buffer.from(buffer.subarray(0, bytesRead));
    let start = 0;
    for (let end = read.indexOf(LINE_FEED); end >= 0; end = read.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...rest, read.subarray(start, end + 1)]);
      rest = [];
      start = end + 1;
    }
    rest.push(read.subarray(start));
  }
}

function packed(operation: Operation): StoredOperation {
  if (!("put" in operation) || isJson(operation.put)) return operation;
  return { table: operation.table, packed: serialize(operation.put).toString("base64"), key: operation.key };
}

function unpacked(operation: StoredOperation): Operation {
  if (!("packed" in operation)) return operation;
  const value: unknown = deserialize(Buffer.from(operation.packed, "base64"));
  return { table: operation.table, put: value, key: operation.key };
}

/** Whether JSON brings back the same. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object") return false;
  const inner: unknown[] = Object.values(value);
  if (Array.isArray(value)) return inner.length === value.length && inner.every(isJson);
  return Object.prototype.toString.call(value) === "[object Object]" && inner.every(isJson);
}
