/** What works in Node only. */
export { fileStore } from "./store/file.ts";
