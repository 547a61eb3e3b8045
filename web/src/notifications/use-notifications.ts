import type { Notification } from "@moleculer-im/client";
import { ref, watch, type Ref } from "vue";
import { usePaged, type Paged } from "../ui/paged.ts";
import { useImEvent } from "../session/use-im-event.ts";
import { language } from "../i18n/index.ts";
import { im } from "../session/im.ts";
import { useLists } from "../session/lists-store.ts";
import { tell } from "../ui/errors.ts";

export interface Notifications {
  readonly unread: Paged<Notification>;
  readonly read: Paged<Notification>;
  readonly markingAll: Ref<boolean>;
  /** Shows it as read at once, and takes that back when the server could not be told. */
  markRead(notification: Notification): Promise<void>;
  markAllRead(): Promise<void>;
}

/** Both halves of the notification centre, which follow what happens here, elsewhere and on other devices. */
export function useNotifications(): Notifications {
  const lists = useLists();
  const page = (read: boolean) => (cursor?: string) => im.call("notification.list", { read, ...(cursor ? { cursor } : {}) });
  const unread = usePaged<Notification>(page(false));
  const read = usePaged<Notification>(page(true));
  const markingAll = ref(false);

  const reload = async (): Promise<void> => void (await Promise.all([unread.reload(), read.reload()]));
  const without = (items: readonly Notification[], { notificationId }: Notification): Notification[] =>
    items.filter((one) => one.notificationId !== notificationId);

  async function markRead(notification: Notification): Promise<void> {
    unread.patch((items) => without(items, notification));
    read.patch((items) => inOrder([...without(items, notification), { ...notification, read: true }]));
    try {
      lists.unreadNotifications = (await im.call("notification.markRead", { ids: [notification.notificationId] })).count;
    } catch (error) {
      tell(error);
      unread.patch((items) => inOrder([...without(items, notification), notification]));
      read.patch((items) => without(items, notification));
    }
  }

  async function markAllRead(): Promise<void> {
    if (markingAll.value) return;
    markingAll.value = true;
    try {
      lists.unreadNotifications = (await im.call("notification.markRead", { all: true })).count;
      await reload();
    } catch (error) {
      tell(error);
    } finally {
      markingAll.value = false;
    }
  }

  useImEvent("notification", (notification) => {
    const list = notification.read ? read : unread;
    list.patch((items) => inOrder([...without(items, notification), notification]));
  });
  useImEvent("notificationsRead", () => void reload());
  useImEvent("connection", ({ state }) => {
    if (state === "online") void reload();
  });
  // Their words are the server's.
  watch(language, () => void reload());
  void reload();
  return { unread, read, markingAll, markRead, markAllRead };
}

/** Newest first. */
function inOrder(items: readonly Notification[]): Notification[] {
  return items.toSorted((a, b) => b.createdAt - a.createdAt || (BigInt(b.notificationId) > BigInt(a.notificationId) ? 1 : -1));
}
