import { computed, shallowRef } from "vue";
import type { Language as ElementLanguage } from "element-plus/es/locale/index";
import { createI18n } from "vue-i18n";
import english from "./en/index.ts";

export type Language = "en" | "zh";
type Sentences = typeof english;

const STORED_AS = "im.language";
const isLanguage = (value: unknown): value is Language => value === "en" || value === "zh";

/** What the user chose here; null: nothing. */
const chosen = (): Language | null => {
  const stored = localStorage.getItem(STORED_AS);
  return isLanguage(stored) ? stored : null;
};
const ofBrowser = (): Language => (navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag))?.startsWith("zh") ? "zh" : "en");

export const i18n = createI18n({
  legacy: false,
  locale: "en",
  fallbackLocale: "en",
  messages: { en: english } as Record<Language, Sentences>,
});

/** A sentence in the language of the page, by its key such as `shell.chats`; follows a change of it when called in a template. */
export const t = i18n.global.t;
/** The language to begin with: what was chosen here, else that of the browser. */
export const language = shallowRef<Language>(chosen() ?? ofBrowser());
/** BCP 47 tag for dates and numbers. */
export const localeTag = computed(() => (language.value === "zh" ? "zh-CN" : "en"));
/** Element Plus' own sentences; undefined: English, which it has anyway. */
export const elementLanguage = shallowRef<ElementLanguage>();

async function load(wanted: Language): Promise<void> {
  if (wanted === "en") {
    elementLanguage.value = undefined;
    return;
  }
  const [sentences, element] = await Promise.all([import("./zh/index.ts"), import("element-plus/es/locale/lang/zh-cn")]);
  i18n.global.setLocaleMessage("zh", sentences.default as Sentences);
  elementLanguage.value = element.default;
}

/** Shows the page in a language from now on. */
export async function showLanguage(wanted: Language): Promise<void> {
  await load(wanted);
  i18n.global.locale.value = wanted;
  language.value = wanted;
  document.documentElement.lang = localeTag.value;
}

/** Shows a language, and begins with it the next time. */
export async function chooseLanguage(wanted: Language): Promise<void> {
  localStorage.setItem(STORED_AS, wanted);
  await showLanguage(wanted);
}

/** Takes over what the user chose on another device, when they chose nothing here. English may be no choice at all. */
export async function adoptLanguage(settings: () => Promise<{ readonly language: Language }>): Promise<void> {
  if (chosen()) return;
  try {
    if ((await settings()).language === "zh") await showLanguage("zh");
  } catch {
    // The language stays that of the browser.
  }
}
