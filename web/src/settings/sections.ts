import { Brush, ChatLineSquare, Files, InfoFilled, Lock, Monitor, Moon, User, View } from "@element-plus/icons-vue";
import { defineAsyncComponent, type Component } from "vue";

export interface Section {
  /** In the address, and the key of its name. */
  readonly name: string;
  readonly icon: Component;
  readonly view: Component;
}

/** What the settings consist of, in the order of the list. */
export const sections: readonly Section[] = [
  { name: "profile", icon: User, view: defineAsyncComponent(() => import("./ProfileSection.vue")) },
  { name: "password", icon: Lock, view: defineAsyncComponent(() => import("./PasswordSection.vue")) },
  { name: "devices", icon: Monitor, view: defineAsyncComponent(() => import("./DevicesSection.vue")) },
  { name: "privacy", icon: View, view: defineAsyncComponent(() => import("./PrivacySection.vue")) },
  { name: "quiet", icon: Moon, view: defineAsyncComponent(() => import("./QuietSection.vue")) },
  { name: "language", icon: ChatLineSquare, view: defineAsyncComponent(() => import("./LanguageSection.vue")) },
  { name: "appearance", icon: Brush, view: defineAsyncComponent(() => import("./AppearanceSection.vue")) },
  { name: "account", icon: Files, view: defineAsyncComponent(() => import("./AccountSection.vue")) },
  { name: "about", icon: InfoFilled, view: defineAsyncComponent(() => import("./AboutSection.vue")) },
];
