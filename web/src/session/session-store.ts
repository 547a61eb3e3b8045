import type { Connection, ImClient, OwnUser, SignOutReason } from "@moleculer-im/client";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { adoptLanguage, language } from "../i18n/index.ts";
import { im } from "./im.ts";

/** `signed_out`: here, by the user, who needs no explanation. */
const BY_MYSELF: SignOutReason = "signed_out";

/** Who is signed in, and how the server can be reached. */
export const useSession = defineStore("session", () => {
  const me = shallowRef<OwnUser | null>(null);
  const connection = shallowRef<Connection>({ state: "signed-out", retryAt: null, refusal: null });
  /** Why the session ended, when it was not this page that ended it. */
  const endedBecause = ref<SignOutReason | null>(null);
  /** Why the client could not be started, such as a store that cannot be opened. */
  const startFailure = shallowRef<unknown>(null);

  const isSignedIn = computed(() => me.value !== null);
  const isOnline = computed(() => connection.value.state === "online");

  im.on("session", ({ me: user, reason }) => {
    if (user === null && reason !== null && reason !== BY_MYSELF) endedBecause.value = reason;
    me.value = user;
  });
  im.on("connection", (now) => {
    connection.value = now;
  });

  /** Goes on with the stored session, if there is one; needs no server. */
  async function start(): Promise<void> {
    try {
      await im.start();
    } catch (error) {
      startFailure.value = error;
    }
    me.value = im.me;
    connection.value = im.connection;
  }

  /** @throws ImError */
  async function signIn(credentials: Parameters<ImClient["signIn"]>[0]): Promise<void> {
    me.value = await im.signIn(credentials);
    endedBecause.value = null;
    void adoptLanguage(() => im.call("settings.get"));
  }

  /** Makes an account and signs in. @throws ImError */
  async function register(account: Parameters<ImClient["register"]>[0]): Promise<void> {
    me.value = await im.register(account);
    endedBecause.value = null;
    // What the server writes by itself is in this language from now on; should it fail, the settings can say it later.
    im.call("settings.update", { language: language.value }).catch(() => undefined);
  }

  /** @throws ImError when all devices are to be signed out and the server cannot be reached */
  async function signOut(all: boolean): Promise<void> {
    await im.signOut({ all });
    me.value = im.me;
  }

  /** Takes over a profile that the server has stored. */
  function changed(profile: OwnUser): void {
    me.value = profile;
  }

  return { me, connection, endedBecause, startFailure, isSignedIn, isOnline, start, signIn, register, signOut, changed };
});
