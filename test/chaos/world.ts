import { befriend, buildGroup, signIn, signUp, type Account, type PeopleConversation } from "./people.ts";

/** Those who use the product, and what they take part in. */
export interface World {
  readonly people: readonly Account[];
  readonly conversations: readonly PeopleConversation[];
  /** In the second group as well, and no client of the load. */
  readonly leaver: Account;
  /** In nothing. */
  readonly outsider: Account;
  /** Another sign-in of the first of the people. */
  readonly second: Account;
}

/** Names that no other run has. */
const uniqueName = (): string => `c${Date.now().toString(36)}${Math.random().toString(36).slice(2, 5)}`;

/** A ring of friends, everybody with their two neighbours; a group of all, and one of every other with one more. */
export async function buildWorld(url: string, count: number): Promise<World> {
  const name = uniqueName();
  const people: Account[] = [];
  for (let i = 0; i < count; i++) people.push(await signUp(url, `${name}-${i}`));
  const [leaver, outsider] = [await signUp(url, `${name}-leaver`), await signUp(url, `${name}-outsider`)];
  const pairs = people.map((person, i) => [person, people[(i + 1) % count]!] as const);
  const conversations: PeopleConversation[] = [];
  for (const [a, b] of pairs) conversations.push(await befriend(url, a, b));
  const some = people.filter((_, i) => i % 2 === 0);
  await befriend(url, some[0]!, leaver);
  conversations.push(await buildGroup(url, people), await buildGroup(url, [...some, leaver]));
  return { people, conversations, leaver, outsider, second: await signIn(url, people[0]!.username) };
}
