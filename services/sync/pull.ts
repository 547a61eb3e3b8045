import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE, SYNC_MESSAGES, SYNC_NEWEST_MESSAGES } from "../../contracts/limits.ts";
import { withoutPin } from "../../lib/message-view.ts";
import { call } from "../../lib/service.ts";
import { readChanges, type ChangesPage } from "./changes.ts";
import { afterSeqOf, firstPage, isWanted, laterPage, type Asked, type Page, type Standing } from "./choose.ts";
import { formatCursor, noCursor, parseCursor, type Position } from "./cursor.ts";
import { readState, type State, type SyncDeps } from "./state.ts";
import { formatVersion, parseVersion, type SyncVersion } from "./version.ts";

type Answer = Result<"sync.pull">;

/** Where one page begins. */
interface Start {
  /** What the answer says, the same on all pages. */
  readonly version: SyncVersion;
  readonly since: SyncVersion | null;
  readonly reset: boolean;
  /** null: the first page. */
  readonly position: Position | null;
  readonly changesAfter: number | null;
}

/**
 * What changed for a user since they asked last, a page at a time.
 * @throws VALIDATION for a cursor that no page of theirs gave
 */
export async function pull(deps: SyncDeps, userId: string, params: Params<"sync.pull">): Promise<Answer> {
  const state = await readState(deps, userId);
  const begun = params.cursor === undefined ? begin(state, userId, params.version) : goOn(userId, params.cursor);
  const [changes, asItBegan] = await Promise.all([
    changesFor(deps, userId, state, begun),
    readPage(deps, userId, { state, start: begun, params }),
  ]);
  const start = changes ? begun : startOver(state);
  const read = changes ? asItBegan : await readPage(deps, userId, { state, start, params });
  const { page, next, messages, conversations } = read;
  const changesAfter = changes?.after ?? null;
  const version = formatVersion(userId, start.version);
  const since = start.since && formatVersion(userId, start.since);
  const isLast = next.stage === "done" && changesAfter === null;
  return {
    version,
    conversations,
    messages,
    changes: changes?.changes ?? [],
    friendsVersion: start.version.friends,
    groupsVersion: start.version.groups,
    removed: page.filter((one) => isGone(one, start.since)).map(({ conversationId }) => conversationId),
    reset: start.reset,
    nextCursor: isLast ? null : formatCursor({ version, since, reset: start.reset, position: next, changesAfter }),
  };
}

interface PageAsked {
  readonly state: State;
  readonly start: Start;
  readonly params: Params<"sync.pull">;
}
interface PageRead extends Page, Pick<Answer, "conversations" | "messages"> {}

async function readPage(deps: SyncDeps, userId: string, { state, start, params }: PageAsked): Promise<PageRead> {
  const asked: Asked = { named: params.conversations ?? {}, since: start.since, reset: start.reset };
  const { page, next } = choose(state, asked, start, params.limit ?? DEFAULT_PAGE);
  const messages = await messagesOf(deps, userId, asked, page);
  const conversations = await conversationsOf(deps, userId, asked, { page, messages });
  return { page, next, messages, conversations };
}

/** A version that this user cannot have had, or that says nothing any more, begins anew. */
function begin(state: State, userId: string, text: string | undefined): Start {
  if (text === undefined) return { ...startOver(state), reset: false };
  const since = parseVersion(userId, text);
  const isKnown = since && since.conversations <= state.version.conversations && since.changes <= state.version.changes;
  if (!isKnown) return startOver(state);
  return { version: state.version, since, reset: false, position: null, changesAfter: since.changes };
}

const startOver = ({ version }: State): Start => ({ version, since: null, reset: true, position: null, changesAfter: null });

function goOn(userId: string, text: string): Start {
  const { version: given, since: from, reset, position, changesAfter } = parseCursor(text);
  const version = parseVersion(userId, given);
  const since = from === null ? null : parseVersion(userId, from);
  if (!version || (from !== null && !since)) throw noCursor();
  return { version, since, reset, position, changesAfter };
}

/** null: the log may have lost some of those that this page needs. The floor is read last. */
async function changesFor(deps: SyncDeps, userId: string, { standings }: State, start: Start): Promise<ChangesPage | null> {
  const { changesAfter: after, version } = start;
  if (after === null) return { changes: [], after: null };
  const page = await readChanges(deps, standings, { userId, after, upTo: version.changes });
  return (await deps.changes.floor()) > after ? null : page;
}

function choose({ standings, version }: State, asked: Asked, start: Start, limit: number): Page {
  const { digest } = version;
  const wanted = standings.filter((one) => isWanted(one, asked, digest));
  if (!start.position) return firstPage(wanted, limit);
  return laterPage(standings, wanted, { position: start.position, start: start.version, digest, limit });
}

/** No member any more, and the client may not know. */
const isGone = ({ active, version }: Standing, since: SyncVersion | null): boolean =>
  !active && (!since || version > since.conversations);

async function messagesOf(
  { calls }: SyncDeps,
  userId: string,
  asked: Asked,
  page: readonly Standing[],
): Promise<Answer["messages"]> {
  if (page.length === 0) return {};
  const items = page.map(({ conversationId, minSeq, maxSeq }) => {
    const afterSeq = afterSeqOf(asked, conversationId);
    return { conversationId, afterSeq, minSeq, maxSeq, limit: afterSeq === null ? SYNC_NEWEST_MESSAGES : SYNC_MESSAGES };
  });
  const pages = await call(calls, "message.pages", { userId, items });
  return Object.fromEntries(
    page.map(({ conversationId, active, minSeq, maxSeq }, i) => {
      const { items: all, more } = pages[i]!;
      return [conversationId, { items: active ? all : all.map(withoutPin), more, minSeq, maxSeq }];
    }),
  );
}

/** As the list shows them. Their last messages are not read again where they stand at the end of what was read. */
async function conversationsOf(
  { calls }: SyncDeps,
  userId: string,
  asked: Asked,
  { page, messages }: { page: readonly Standing[]; messages: Answer["messages"] },
): Promise<Answer["conversations"]> {
  if (page.length === 0) return [];
  const known = page.map(({ conversationId, maxSeq: head }) => {
    const { items, more } = messages[conversationId]!;
    const isAtEnd = !more || afterSeqOf(asked, conversationId) === null;
    const lastMessage = isAtEnd ? items.findLast((item) => "messageId" in item) : undefined;
    return [conversationId, { head, ...(lastMessage && { lastMessage }) }] as const;
  });
  const conversationIds = page.map(({ conversationId }) => conversationId);
  return call(calls, "conversation.viewMany", { userId, conversationIds, known: Object.fromEntries(known) });
}
