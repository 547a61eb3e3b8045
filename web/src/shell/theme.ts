import { ref, watchEffect } from "vue";

export type Appearance = "system" | "light" | "dark";

const STORED_AS = "im.appearance";
const isChoice = (value: unknown): value is Appearance => value === "light" || value === "dark";
const stored = localStorage.getItem(STORED_AS);
const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");
const system = ref(systemIsDark.matches);
systemIsDark.addEventListener("change", ({ matches }) => {
  system.value = matches;
});

/** What the user chose; `system` follows the device. */
export const appearance = ref<Appearance>(isChoice(stored) ? stored : "system");

export function chooseAppearance(choice: Appearance): void {
  appearance.value = choice;
  if (choice === "system") localStorage.removeItem(STORED_AS);
  else localStorage.setItem(STORED_AS, choice);
}

/** Keeps the page in the colours that were chosen. */
export function followAppearance(): void {
  watchEffect(() => {
    const dark = appearance.value === "dark" || (appearance.value === "system" && system.value);
    document.documentElement.classList.toggle("dark", dark);
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", dark ? "#0d1011" : "#e9eeeb");
  });
}
