export default {
  unread: "Unread",
  read: "Read",
  tabs: "Notifications by whether they are read",
  list: "Notifications",
  markAll: "Mark all read",
  markRead: "Mark read",
  open: "Open",
  unreadTab: "Unread ({n})",
  none: "No unread notifications",
  noneHint: "Friend requests, invitations and changes in your groups are told here.",
  noneRead: "Nothing read yet",
  noneReadHint: "What you have read is kept here.",
};
