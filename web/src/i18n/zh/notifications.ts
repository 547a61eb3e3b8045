import type en from "../en/notifications.ts";
import type { SameKeys } from "../shape.ts";

const sentences: SameKeys<typeof en> = {
  unread: "未读",
  read: "已读",
  tabs: "按是否已读查看通知",
  list: "通知",
  markAll: "全部标为已读",
  markRead: "标为已读",
  open: "打开",
  unreadTab: "未读（{n}）",
  none: "没有未读通知",
  noneHint: "好友申请、群邀请和群变动会显示在这里。",
  noneRead: "还没有已读通知",
  noneReadHint: "读过的通知会保留在这里。",
};

export default sentences;
