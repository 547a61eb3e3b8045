import type { Friend } from "@moleculer-im/client";

let last = 0;

/** A friend as the server gives one. */
export function friend(nickname: string, { remark = "", tags = [] }: { remark?: string; tags?: string[] } = {}): Friend {
  last += 1;
  return {
    user: {
      userId: String(last),
      username: `user${last}`,
      nickname,
      avatar: "",
      signature: "",
      gender: "unknown",
      region: "",
    },
    remark,
    muted: false,
    tags,
    since: 0,
  };
}
