export { createClient } from "./client.ts";
export { ImError } from "./errors.ts";
export * from "./store/port.ts";
export { memoryStore } from "./store/memory.ts";
export { indexedDbStore } from "./store/indexed-db.ts";
export type * from "./types.ts";
export type * from "../../contracts/entities.ts";
export type { Params, Result } from "../../contracts/index.ts";
export type { RestAction } from "../../contracts/routes.ts";
