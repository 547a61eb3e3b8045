import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { createI18n } from "vue-i18n";
import { routes } from "../../contracts/routes.ts";
import en from "../src/i18n/en/index.ts";
import zh from "../src/i18n/zh/index.ts";

type Tree = { readonly [key: string]: string | Tree };

/** Sentences by their whole keys. */
function sentencesOf(tree: Tree, prefix = ""): ReadonlyMap<string, string> {
  const entries = Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" ? [[prefix + key, value]] : [...sentencesOf(value, `${prefix}${key}.`)],
  );
  return new Map(entries);
}

const languages = { en: sentencesOf(en), zh: sentencesOf(zh) };
const sources = path.resolve(import.meta.dirname, "../src");
const files = globSync("**/*.{ts,vue}", { cwd: sources }).map((name) => ({
  name,
  text: readFileSync(path.join(sources, name), "utf8"),
}));

const actions: ReadonlySet<string> = new Set(routes.map(({ action }) => action));
/** Keys that a source writes out, in a call of `t` or to hand them on; not what a template binds, nor names of actions. */
const keysIn = (text: string): string[] =>
  [...text.matchAll(/(?<!=)["'`]((?:chat|contacts|groups|notifications|session|settings|shell)\.[A-Za-z][\w.]*)["'`]/g)].flatMap(
    ([, key]) => (key && !actions.has(key) ? [key] : []),
  );
/** Beginnings of keys that are made at run time, such as `settings.devicesTexts.${type}`. */
const beginningsIn = (text: string): string[] =>
  [...text.matchAll(/\bt\(\s*`([\w.]+\.)\$\{/g)].flatMap(([, start]) => (start ? [start] : []));

/** Places in a sentence that are filled: `{name}`. */
const placesIn = (sentence: string): string[] => [...new Set(sentence.match(/\{\w+\}/g))].sort();

describe("sentences", () => {
  test("have the same keys in both languages", () => {
    expect([...languages.zh.keys()].sort()).toEqual([...languages.en.keys()].sort());
  });

  test("are never empty", () => {
    for (const sentences of Object.values(languages)) {
      const empty = [...sentences].filter(([, text]) => text.trim() === "").map(([key]) => key);
      expect(empty).toEqual([]);
    }
  });

  test("fill the same places in both languages", () => {
    const different = [...languages.en.keys()].filter(
      (key) => placesIn(languages.en.get(key) ?? "").join() !== placesIn(languages.zh.get(key) ?? "").join(),
    );
    expect(different).toEqual([]);
  });

  test("are understood by the library that shows them", () => {
    const i18n = createI18n({ legacy: false, locale: "en", messages: { en, zh } as Record<"en" | "zh", Tree> });
    for (const language of ["en", "zh"] as const) {
      i18n.global.locale.value = language;
      for (const key of languages[language].keys()) expect(i18n.global.t(key, { n: 2 }, 2), key).not.toBe(key);
    }
  });

  test("exist for each key that the sources use", () => {
    const missing = files.flatMap(({ name, text }) =>
      keysIn(text)
        .filter((key) => !languages.en.has(key))
        .map((key) => `${name}: ${key}`),
    );
    expect(missing).toEqual([]);
  });

  test("exist below each beginning that the sources complete at run time", () => {
    const keys = [...languages.en.keys()];
    const missing = files.flatMap(({ name, text }) =>
      beginningsIn(text)
        .filter((start) => !keys.some((key) => key.startsWith(start)))
        .map((start) => `${name}: ${start}`),
    );
    expect(missing).toEqual([]);
  });
});
