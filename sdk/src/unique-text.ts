/** 32 characters that nobody else makes. Not by `crypto.randomUUID`, which pages without TLS do not have. */
export function uniqueText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
