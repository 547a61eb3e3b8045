import { hash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

/** 128 bits in 22 characters that tell whether two values are equal, whatever the order of their fields. */
export const shortHash = (value: unknown): string => hash("sha256", canonicalJson(value), "base64url").slice(0, 22);
