import { nextTick } from "vue";
import { START_LOCATION, createRouter, createWebHistory } from "vue-router";
import { nextOf } from "./session/next.ts";
import { useSession } from "./session/session-store.ts";

declare module "vue-router" {
  interface RouteMeta {
    /** For people who are not signed in. */
    readonly open?: boolean;
    /** The key of the sentence that names the screen. */
    readonly title?: string;
    /** A screen of its own on a phone, which hides the tabs. */
    readonly detail?: boolean;
  }
}

const ChatsView = () => import("./chat/ChatsView.vue");
const ContactsView = () => import("./contacts/ContactsView.vue");

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: "/chats" },
    {
      path: "/sign-in",
      name: "sign-in",
      component: () => import("./session/SignInView.vue"),
      meta: { open: true, title: "session.signIn" },
    },
    {
      path: "/sign-up",
      name: "sign-up",
      component: () => import("./session/SignUpView.vue"),
      meta: { open: true, title: "session.signUp" },
    },
    {
      path: "/",
      component: () => import("./shell/AppLayout.vue"),
      children: [
        { path: "chats", name: "chats", component: ChatsView, meta: { title: "shell.chats" } },
        {
          path: "chats/:conversationId",
          name: "chat",
          component: ChatsView,
          meta: { title: "shell.chats", detail: true },
        },
        { path: "contacts", name: "contacts", component: ContactsView, meta: { title: "shell.contacts" } },
        {
          path: "contacts/:userId(\\d+)",
          name: "contact",
          component: ContactsView,
          meta: { title: "shell.contacts", detail: true },
        },
        /** `requests`, `blocked` and whatever else the contacts have beside people. */
        {
          path: "contacts/:section([a-z-]+)",
          name: "contacts-section",
          component: ContactsView,
          meta: { title: "shell.contacts", detail: true },
        },
        {
          path: "groups/:groupId(\\d+)",
          name: "group",
          component: () => import("./groups/GroupView.vue"),
          meta: { title: "shell.contacts", detail: true },
        },
        {
          path: "join/:groupId(\\d+)",
          name: "join",
          component: () => import("./groups/JoinView.vue"),
          meta: { title: "shell.contacts", detail: true },
        },
        {
          path: "notifications",
          name: "notifications",
          component: () => import("./notifications/NotificationsView.vue"),
          meta: { title: "shell.notifications" },
        },
        {
          path: "settings/:section([a-z-]+)?",
          name: "settings",
          component: () => import("./settings/SettingsView.vue"),
          meta: { title: "shell.settings" },
        },
        { path: ":path(.*)*", name: "not-found", component: () => import("./shell/NotFoundView.vue") },
      ],
    },
  ],
});

/** The place where a screen begins, for those who went to it by keyboard: what they pressed is gone with the screen before. */
router.afterEach(async (to, from) => {
  if (from === START_LOCATION || to.path === from.path) return;
  await nextTick();
  if (document.activeElement === document.body) document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
});

/** A stored session opens the page also while the server cannot be reached. */
router.beforeEach((to) => {
  const { isSignedIn } = useSession();
  if (to.meta.open) return isSignedIn ? nextOf(to) : true;
  if (isSignedIn) return true;
  return { name: "sign-in", query: to.fullPath === "/chats" ? {} : { next: to.fullPath } };
});
