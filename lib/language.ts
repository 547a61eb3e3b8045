import type { Language } from "../contracts/meta.ts";

/** The language of `Accept-Language` that we speak and the client likes best; undefined when it names none of ours. */
export function languageOf(header: string | undefined): Language | undefined {
  let best: Language | undefined;
  let bestQuality = 0;
  for (const part of (header ?? "").split(",", 20)) {
    const [range = "", ...params] = part.trim().toLowerCase().split(";");
    const language = range.split("-")[0];
    const quality = qualityOf(params);
    if ((language !== "en" && language !== "zh") || quality <= bestQuality) continue;
    best = language;
    bestQuality = quality;
  }
  return best;
}

function qualityOf(params: readonly string[]): number {
  const given = params.map((param) => param.trim()).find((param) => param.startsWith("q="));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return quality >= 0 && quality <= 1 ? quality : 0;
}
