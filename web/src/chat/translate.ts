import { watch, type Ref } from "vue";
import type { Translate } from "./sentences.ts";

/** Sentences without anything to fill in are looked up once in each language: rows ask for the same ones again and again. */
export function remembering(t: Translate, language: Readonly<Ref<string>>): Translate {
  const known = new Map<string, string>();
  watch(language, () => known.clear(), { flush: "sync" });
  return (key, named) => {
    if (named) return t(key, named);
    // Read for those who draw with it: they are drawn again when the language changes.
    const place = `${language.value}/${key}`;
    let sentence = known.get(place);
    if (sentence === undefined) {
      sentence = t(key);
      known.set(place, sentence);
    }
    return sentence;
  };
}
