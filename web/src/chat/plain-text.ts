/** Markdown without its marks, for one line; it need not be exact. */
export function plainText(markdown: string): string {
  return markdown
    .slice(0, 1_000)
    .replace(/^\s*(?:```|~~~).*$/gmu, "")
    .replace(/^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?|\d{1,9}[.)]\s+)/gmu, "")
    .replace(/!?\[([^[\]]*)\]\([^()\s]*\)/gu, "$1")
    .replace(/(\*\*|__|~~|`)(\S[^*_~`]*)\1/gu, "$2")
    .replace(/(^|\s)[*_](\S[^*_]*)[*_](?=\s|$|[.,;:!?])/gu, "$1$2");
}
