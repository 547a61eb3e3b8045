import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "./shell/theme.css";
import "./shell/base.css";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { i18n, language, showLanguage } from "./i18n/index.ts";
import { router } from "./router.ts";
import { useLists } from "./session/lists-store.ts";
import { useSession } from "./session/session-store.ts";
import { followAppearance } from "./shell/theme.ts";

followAppearance();
const app = createApp(App);
app.use(createPinia()).use(i18n);
// Both listen from before the client starts, so that they miss nothing.
const session = useSession();
const lists = useLists();
// Without its words the page stays in English.
await Promise.all([showLanguage(language.value).catch(() => showLanguage("en")), session.start()]);
lists.readAll();
app.use(router);
app.mount("#app");
