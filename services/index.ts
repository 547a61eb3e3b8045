import type { ServiceSchema } from "moleculer";
import api from "./api/api.service.ts";
import auth from "./auth/auth.service.ts";
import compensator from "./compensator/compensator.service.ts";
import conversation from "./conversation/conversation.service.ts";
import friend from "./friend/friend.service.ts";
import group from "./group/group.service.ts";
import message from "./message/message.service.ts";
import notification from "./notification/notification.service.ts";
import persister from "./persister/persister.service.ts";
import presence from "./presence/presence.service.ts";
import scheduler from "./scheduler/scheduler.service.ts";
import settings from "./settings/settings.service.ts";
import socket from "./socket/socket.service.ts";
import sync from "./sync/sync.service.ts";
import user from "./user/user.service.ts";

/** Every service of the product, for those who start a node without `moleculer-runner`: the library and the tests. */
export const allServices: readonly ServiceSchema[] = [
  api,
  auth,
  compensator,
  conversation,
  friend,
  group,
  message,
  notification,
  persister,
  presence,
  scheduler,
  settings,
  socket,
  sync,
  user,
];
