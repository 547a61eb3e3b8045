import { QUOTED_CHARACTERS } from "./limits.ts";

/** The first words of a message's content, as a reply to it quotes them; "" when there are none, or no longer. */
export function quotedWords(content: Readonly<Record<string, unknown>>): string {
  const words = content["text"] ?? content["title"] ?? "";
  return typeof words === "string" ? [...words.slice(0, QUOTED_CHARACTERS * 2)].slice(0, QUOTED_CHARACTERS).join("") : "";
}
