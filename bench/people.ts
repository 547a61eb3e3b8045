/** Makes the people of a benchmark through the REST interface, as any client would. */
export interface Person {
  readonly userId: string;
  readonly token: string;
}
export interface Pair {
  readonly conversationId: string;
  readonly people: readonly [Person, Person];
}

/** People that one request may name. */
const PORTION = 500;

interface Answer<T> {
  code: number;
  message: string;
  data: T;
}

export async function rest<T>(url: string, method: string, path: string, body?: unknown, token?: string): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Answer<T>;
  if (answer.code !== 0) throw new Error(`${method} ${path}: ${answer.code} ${answer.message}`);
  return answer.data;
}

export async function signUp(url: string, username: string): Promise<Person> {
  const password = `bench-${username}-correct-horse`;
  await rest(url, "POST", "/users/register", { username, password });
  const { accessToken, user } = await rest<{ accessToken: string; user: { userId: string } }>(url, "POST", "/users/login", {
    username,
    password,
  });
  return { userId: user.userId, token: accessToken };
}

async function befriend(url: string, [a, b]: readonly [Person, Person]): Promise<void> {
  const { requestId } = await rest<{ requestId: string }>(url, "POST", "/social/friends/request", { userId: b.userId }, a.token);
  await rest(url, "PUT", `/social/friends/request/${requestId}`, { action: "accept" }, b.token);
}

/** Pairs of friends, `parallel` at once. */
export async function makePairs(url: string, count: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const run = Date.now().toString(36);
  const makeOne = async (i: number): Promise<void> => {
    const people = [await signUp(url, `b${run}-${i}-a`), await signUp(url, `b${run}-${i}-b`)] as const;
    await befriend(url, people);
    const [low, high] = [people[0].userId, people[1].userId].sort((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1));
    pairs[i] = { conversationId: `d_${low}_${high}`, people };
  };
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await makeOne(next++);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return pairs;
}

/** A group whose owner is the first; the others join by their white lists, in portions. Says how long the slowest request took. */
export async function makeGroup(
  url: string,
  [owner, ...others]: readonly Person[],
): Promise<{ conversationId: string; slowestMs: number }> {
  const times: number[] = [];
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work;
    times.push(performance.now() - startedAt);
    return result;
  };
  const ids = others.map(({ userId }) => userId);
  const body = { name: "Bench", maxMembers: 5_000, memberIds: ids.slice(0, PORTION - 1) };
  const { group } = await timed(
    rest<{ group: { groupId: string; conversationId: string } }>(url, "POST", "/social/groups", body, owner!.token),
  );
  for (let from = PORTION - 1; from < ids.length; from += PORTION) {
    const userIds = ids.slice(from, from + PORTION);
    await timed(rest(url, "POST", `/social/groups/${group.groupId}/members`, { userIds }, owner!.token));
  }
  return { conversationId: group.conversationId, slowestMs: Math.round(Math.max(...times)) };
}
