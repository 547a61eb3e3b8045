import type { Friend, Group, LocalConversation, Presence, User } from "@moleculer-im/client";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef } from "vue";
import { t } from "../i18n/index.ts";
import { im } from "./im.ts";
import { People } from "./people.ts";

const PAGE = 100;
const SYSTEM = "0";

/** What the user's lists hold, as the client has it now. */
export const useLists = defineStore("lists", () => {
  const conversations = shallowRef<readonly LocalConversation[]>([]);
  const friends = shallowRef<readonly Friend[]>([]);
  const groups = shallowRef<readonly Group[]>([]);
  const presences = shallowReactive(new Map<string, Presence>());
  const people = new People();
  /** Friend requests and invitations that wait for the user's answer. */
  const pendingRequests = ref(0);
  const unreadNotifications = ref(0);
  /** The lists were read from the store. */
  const ready = ref(false);

  const friendsById = computed(() => new Map(friends.value.map((friend) => [friend.user.userId, friend])));
  const groupsById = computed(() => new Map(groups.value.map((group) => [group.groupId, group])));
  const peersById = computed(() => {
    const peers = conversations.value.flatMap(({ peer }) => (peer ? [peer] : []));
    return new Map(peers.map((peer) => [peer.userId, peer]));
  });
  /** Unread messages of conversations that are not muted. */
  const unreadMessages = computed(() => conversations.value.reduce((sum, { unread, muted }) => sum + (muted ? 0 : unread), 0));

  const friendOf = (userId: string): Friend | null => friendsById.value.get(userId) ?? null;
  const groupOf = (groupId: string): Group | null => groupsById.value.get(groupId) ?? null;

  /** A user by id: friend, the user themselves, or anybody whom the server shows. Null until known. */
  function userOf(userId: string): User | null {
    if (userId === im.me?.userId) return im.me;
    return friendOf(userId)?.user ?? peersById.value.get(userId) ?? people.get(userId);
  }

  /** What to call somebody: the remark, else the nickname; a placeholder while they are not known. */
  function nameOf(userId: string): string {
    if (userId === SYSTEM) return t("shell.someone");
    const remark = friendOf(userId)?.remark;
    if (remark) return remark;
    const user = userOf(userId);
    return user ? user.nickname || user.username : t("shell.someone");
  }

  /** What a user is called who came with an answer of the server. */
  function nameOfUser(user: User): string {
    return friendOf(user.userId)?.remark || user.nickname || user.username;
  }

  const presenceOf = (userId: string): Presence | null => presences.get(userId) ?? im.presenceOf(userId);

  function readAll(): void {
    conversations.value = [...im.conversations];
    friends.value = im.friends;
    groups.value = im.groups;
    ready.value = true;
  }

  /** How many requests and invitations wait for the user; stays as it was when the server cannot be reached. */
  async function countRequests(): Promise<void> {
    try {
      const [requests, invitations] = await Promise.all([
        im.call("friend.requests", { direction: "in", limit: PAGE }),
        im.call("group.invitations", { limit: PAGE }),
      ]);
      const isOpen = ({ status }: { readonly status: string }): boolean => status === "pending";
      pendingRequests.value = requests.items.filter(isOpen).length + invitations.items.filter(isOpen).length;
    } catch {
      // Told again by the next event or connection.
    }
  }

  async function countNotifications(): Promise<void> {
    try {
      unreadNotifications.value = (await im.call("notification.unreadCount")).count;
    } catch {
      // Told again by the next event or connection.
    }
  }

  function forget(): void {
    people.clear();
    presences.clear();
    pendingRequests.value = 0;
    unreadNotifications.value = 0;
  }

  im.on("session", ({ me }) => {
    if (!me) forget();
    readAll();
  });
  im.on("connection", ({ state }) => {
    if (state !== "online") return;
    void countRequests();
    void countNotifications();
  });
  // What was read in another tab of this browser is told to other devices alone.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || im.connection.state !== "online") return;
    void countRequests();
    void countNotifications();
  });
  im.on("conversations", () => {
    conversations.value = [...im.conversations];
  });
  im.on("friends", (list) => {
    friends.value = list;
  });
  im.on("groups", (list) => {
    groups.value = list;
  });
  im.on("presence", (presence) => void presences.set(presence.userId, presence));
  im.on("requests", () => void countRequests());
  im.on("notification", ({ type, read }) => {
    if (!read) unreadNotifications.value += 1;
    if (type === "group.invitation") void countRequests();
  });
  im.on("notificationsRead", ({ unread }) => {
    unreadNotifications.value = unread;
  });

  return {
    conversations,
    friends,
    groups,
    ready,
    pendingRequests,
    unreadMessages,
    unreadNotifications,
    friendOf,
    groupOf,
    userOf,
    nameOf,
    nameOfUser,
    presenceOf,
    /** Users that a room has read, such as members of a group, so that nobody reads them again. */
    knows: (users: readonly User[]) => people.add(users),
    readAll,
    countRequests,
    countNotifications,
  };
});
