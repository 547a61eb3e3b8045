/**
 * Paths that the web client shows a page of its own at, each with what lies below it. A browser that asks for one of them gets
 * the client; every other unknown path stays a 404.
 */
export const WEB_PATHS = [
  "/sign-in",
  "/sign-up",
  "/chats",
  "/contacts",
  "/groups",
  "/join",
  "/notifications",
  "/settings",
] as const;
