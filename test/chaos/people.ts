import { directConversationId } from "../../lib/conversation-id.ts";
import { api, dataOf } from "../support/client.ts";

export interface Account {
  readonly userId: string;
  readonly username: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}
export interface PeopleConversation {
  readonly conversationId: string;
  /** Those who take part. */
  readonly of: readonly Account[];
  /** Null: of two people. */
  readonly groupId: string | null;
}

const PASSWORD = "lantern-quartz-42";

export async function signUp(url: string, username: string): Promise<Account> {
  await dataOf(api(url).post("/users/register", { username, password: PASSWORD }));
  return signIn(url, username);
}

/** Another sign-in, on a device of its own. */
export async function signIn(url: string, username: string): Promise<Account> {
  interface Login {
    readonly user: { readonly userId: string };
    readonly accessToken: string;
    readonly refreshToken: string;
  }
  const login = api(url).post<Login>("/users/login", { username, password: PASSWORD });
  const { user, accessToken, refreshToken } = await dataOf(login);
  return { userId: user.userId, username, accessToken, refreshToken };
}

export async function befriend(url: string, a: Account, b: Account): Promise<PeopleConversation> {
  const asked = api(url, a.accessToken).post<{ requestId: string }>("/social/friends/request", { userId: b.userId });
  const { requestId } = await dataOf(asked);
  await dataOf(api(url, b.accessToken).put(`/social/friends/request/${requestId}`, { action: "accept" }));
  return { conversationId: directConversationId(a.userId, b.userId), of: [a, b], groupId: null };
}

/** A group that all have joined at once. @param of its owner first */
export async function buildGroup(url: string, of: readonly Account[]): Promise<PeopleConversation> {
  const [owner, ...others] = of;
  for (const { accessToken } of others) await dataOf(api(url, accessToken).put(`/social/whitelist/${owner!.userId}`));
  const made = api(url, owner!.accessToken).post<{ group: { conversationId: string; groupId: string } }>("/social/groups", {
    name: "Crew",
    memberIds: others.map(({ userId }) => userId),
  });
  const { group } = await dataOf(made);
  return { conversationId: group.conversationId, of, groupId: group.groupId };
}
