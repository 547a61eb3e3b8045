/**
 * Fills a server with a small world, through its REST API, and prints the sign-ins: `npm run demo [-- --url http://host:port]`.
 * Without `--url` it takes the server that answers at IM_HOST:IM_PORT, or else runs one for as long as it needs. What is there
 * already stays as it is.
 */
import { parseArgs } from "node:util";
import { loadConfig, ConfigError } from "../config/env.ts";
import { createIm } from "../create-im.ts";
import { urlOf } from "../runtime/greeting.ts";
import { DIRECT, FRIENDSHIPS, GROUP, GROUP_LINES, PASSWORD, PEOPLE, REQUESTS, type Line, type Person } from "./demo-world.ts";
import { RestClient, RestError, isAnswering } from "./rest-client.ts";

interface Member {
  readonly rest: RestClient;
  readonly userId: string;
}
type People = Readonly<Record<Person, Member>>;

const CODE = { wrongAccount: 1002, alreadyFriends: 2001, alreadyAsked: 2002, recallTimePassed: 3004 };

async function signIn(url: string, { username, ...profile }: (typeof PEOPLE)[number]): Promise<Member> {
  const rest = new RestClient(url);
  const account = { username, password: PASSWORD };
  const login = () =>
    rest.post<{ accessToken: string; user: { userId: string } }>("/users/login", {
      ...account,
      deviceId: "demo",
      deviceName: "npm run demo",
    });
  const session = await login().catch(async (error: unknown) => {
    if (!isCode(error, CODE.wrongAccount)) throw error;
    await rest.post("/users/register", { ...account, nickname: profile.nickname });
    const made = await login();
    await rest.as(made.accessToken).put("/users/me/profile", profile);
    return made;
  });
  return { rest: rest.as(session.accessToken), userId: session.user.userId };
}

async function befriend(one: Member, other: Member): Promise<void> {
  const { items } = await one.rest.get<{ items: { user: { userId: string } }[] }>("/social/friends");
  if (items.some(({ user }) => user.userId === other.userId)) return;
  const asked = one.rest.post<{ requestId: string }>("/social/friends/request", { userId: other.userId, message: "Hello!" });
  await asked.catch(ignoring(CODE.alreadyFriends, CODE.alreadyAsked));
  const requests = await other.rest.get<{ items: { requestId: string; from: { userId: string } }[] }>(
    "/social/friends/requests?direction=in&limit=100",
  );
  const request = requests.items.find(({ from }) => from.userId === one.userId);
  if (request)
    await other.rest
      .put(`/social/friends/request/${request.requestId}`, { action: "accept" })
      .catch(ignoring(CODE.alreadyFriends));
}

async function directConversation(one: Member, other: Member): Promise<string> {
  return (await one.rest.post<{ conversationId: string }>("/social/conversations", { userId: other.userId })).conversationId;
}

async function groupConversation(people: People): Promise<string> {
  const { rest } = people[GROUP.owner];
  const mine = await rest.get<{ items: { name: string; conversationId: string }[] }>("/social/groups");
  const there = mine.items.find(({ name }) => name === GROUP.name);
  if (there) return there.conversationId;
  const memberIds = GROUP.members.map((name) => people[name].userId);
  for (const name of GROUP.members) await people[name].rest.put(`/social/whitelist/${people[GROUP.owner].userId}`);
  const { group } = await rest.post<{ group: { conversationId: string } }>("/social/groups", {
    name: GROUP.name,
    memberIds,
    historyVisible: true,
  });
  return group.conversationId;
}

async function say(people: People, conversationId: string, lines: readonly Line[]): Promise<void> {
  const said = new Map<string, string>();
  for (const { id, from, text, reactions = [], recalled = false, type = "text", replyTo, mentions } of lines) {
    const { messageId } = await people[from].rest.post<{ messageId: string }>("/messages", {
      ...{ conversationId, clientMsgId: id, type, content: { text } },
      ...(replyTo !== undefined && { replyTo: said.get(replyTo) }),
      ...(mentions && { mentions: mentions.map((name) => people[name].userId) }),
    });
    said.set(id, messageId);
    for (const { by, emoji } of reactions) await people[by].rest.post(`/messages/${messageId}/reactions`, { emoji });
    if (recalled) await people[from].rest.post(`/messages/${messageId}/recall`).catch(ignoring(CODE.recallTimePassed));
  }
}

async function fill(url: string): Promise<void> {
  const people = {} as Record<Person, Member>;
  for (const person of PEOPLE) people[person.username] = await signIn(url, person);
  for (const [one, other] of FRIENDSHIPS) await befriend(people[one], people[other]);
  for (const { between, lines } of DIRECT) {
    const [one, other] = between;
    await say(people, await directConversation(people[one], people[other]), lines);
  }
  await say(people, await groupConversation(people), GROUP_LINES);
  for (const [one, other, message] of REQUESTS)
    await people[one].rest
      .post("/social/friends/request", { userId: people[other].userId, message })
      .catch(ignoring(CODE.alreadyFriends, CODE.alreadyAsked));
}

const isCode = (error: unknown, ...codes: number[]): boolean => error instanceof RestError && codes.includes(error.code);

function ignoring(...codes: number[]): (error: unknown) => undefined {
  return (error) => {
    if (!isCode(error, ...codes)) throw error;
  };
}

/** The world is made where it is asked for: on a server that runs, or on one that runs for this moment only. */
async function run(given: string | undefined): Promise<string> {
  if (given !== undefined) {
    await fill(given);
    return given;
  }
  const config = loadConfig();
  const url = urlOf(config);
  if (config.port !== 0 && (await isAnswering(url))) {
    await fill(url);
    return url;
  }
  const im = createIm({ ...config, logLevel: "warn", port: 0, metricsPort: 0 });
  await im.start();
  try {
    await fill(im.url);
  } finally {
    await im.stop();
  }
  return `${url} (once it runs: npm start)`;
}

function summary(url: string): string {
  const signIns = PEOPLE.map(({ username, nickname }) => `  ${username.padEnd(8)} ${PASSWORD}   ${nickname}`);
  return [
    `The demo world is at ${url}`,
    "",
    "Sign-ins (user name, password):",
    ...signIns,
    "",
    `${PEOPLE.length} people, ${FRIENDSHIPS.length} friendships, ${DIRECT.length} conversations, the group "${GROUP.name}"`,
    "",
  ].join("\n");
}

try {
  const { values } = parseArgs({ options: { url: { type: "string" } } });
  process.stdout.write(summary(await run(values.url?.replace(/\/+$/, ""))));
} catch (error) {
  const text = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
  process.stderr.write(`demo: ${text}\n`);
  process.exitCode = 1;
}
