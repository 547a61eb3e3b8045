import chat from "./chat.ts";
import contacts from "./contacts.ts";
import groups from "./groups.ts";
import notifications from "./notifications.ts";
import session from "./session.ts";
import settings from "./settings.ts";
import shell from "./shell.ts";

export default { chat, contacts, groups, notifications, session, settings, shell };
