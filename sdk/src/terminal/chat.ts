import type { Friend } from "../../../contracts/entities.ts";
import type { Params, Result } from "../../../contracts/index.ts";
import type { ImClient, LocalConversation, LocalMessage, MessageWindow } from "../types.ts";
import { conversationLine, firstLine, titleOf, type Names } from "./lines.ts";
import { Transcript } from "./transcript.ts";

/** A mistake of who types; its message says what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

const FEW = 3;

interface Open {
  readonly conversationId: string;
  readonly window: MessageWindow;
  readonly transcript: Transcript;
}

/** What is on the screen: the list as it was last shown, and one open conversation. */
export class Chat {
  readonly im: ImClient;
  readonly names: Names;
  readonly write: (line: string) => void;
  readonly #listeners: readonly (() => void)[];
  #open: Open | null = null;
  /** By their numbers in the list as it was shown. */
  #listed: readonly LocalConversation[] = [];
  /** Members of groups who are no friends. */
  readonly #strangers = new Map<string, string>();
  #toldOnline: boolean | null = null;
  #friendIds: ReadonlySet<string> | null = null;

  constructor(im: ImClient, write: (line: string) => void) {
    this.im = im;
    this.write = write;
    const nameOf = (userId: string): string => this.#nameOf(userId);
    this.names = {
      get me() {
        return im.me?.userId ?? "";
      },
      nameOf,
    };
    this.#listeners = [
      im.on("connection", () => this.#tellConnection()),
      im.on("message", (message) => this.#heard(message)),
      im.on("failed", (message) => this.#failed(message)),
      im.on("friends", () => this.#tellFriends()),
      im.on("requests", () => this.write("-- friend requests may have changed: /requests")),
    ];
  }

  get isOnline(): boolean {
    return this.im.connection.state === "online";
  }

  /** The conversation that is open. @throws CommandError when there is none */
  get current(): Open {
    if (!this.#open) throw new CommandError("open a conversation first: /list, then /open 1");
    return this.#open;
  }

  list(): void {
    this.#listed = this.im.conversations;
    if (this.#listed.length === 0) this.write("-- no conversations yet: /add NAME, or /open NAME of a friend");
    for (const [index, conversation] of this.#listed.entries()) this.write(conversationLine(conversation, index + 1, this.names));
  }

  /** @param which its number in the list, or the name of its group or friend  @throws CommandError, ImError */
  async open(which: string): Promise<void> {
    const conversation = this.#find(which) ?? (await this.#openDirect(which));
    this.#open?.window.close();
    const { conversationId } = conversation;
    const window = this.im.messages(conversationId);
    const transcript = new Transcript(window, this.names, { write: this.write, isOnline: () => this.isOnline });
    this.#open = { conversationId, window, transcript };
    await this.#learnNames(conversation);
    this.write(`-- ${titleOf(conversation, this.names)}${conversation.active ? "" : " (left)"}`);
    window.onChange(() => this.#follow());
    await window.loadLatest();
    if (window.items.length === 0) this.write("-- nothing was said yet");
    else if (window.hasOlder) this.write("-- /older shows what was before");
  }

  /** Nothing more is written. */
  close(): void {
    for (const off of this.#listeners) off();
    this.#open?.window.close();
    this.#open = null;
  }

  #find(which: string): LocalConversation | null {
    const known = this.im.conversations;
    const number = Number(which);
    if (Number.isInteger(number) && number > 0) {
      const conversation = this.#listed[number - 1];
      if (!conversation) throw new CommandError(`there is no number ${which} in the list: /list`);
      return conversation;
    }
    const groups = this.im.groups.flatMap(({ conversationId }) => this.im.conversation(conversationId) ?? []);
    const wanted = which.toLowerCase();
    const named = ({ peer, ...conversation }: LocalConversation): boolean =>
      titleOf({ ...conversation, ...(peer && { peer }) }, this.names).toLowerCase() === wanted ||
      peer?.username.toLowerCase() === wanted;
    return [...known, ...groups].find(named) ?? null;
  }

  async #openDirect(which: string): Promise<LocalConversation> {
    const wanted = which.toLowerCase();
    const isMeant = ({ user, remark }: Friend): boolean =>
      [user.username, user.nickname, remark].some((name) => name.toLowerCase() === wanted);
    // A new device hears of its friends a moment later than of its conversations.
    const friend = this.im.friends.find(isMeant) ?? (await this.im.call("friend.list", {})).items.find(isMeant);
    if (!friend) throw new CommandError(`there is no conversation, group or friend called ${which}`);
    return this.im.openDirect(friend.user.userId);
  }

  #follow(): void {
    const open = this.#open;
    if (!open) return;
    open.transcript.update();
    void this.im.markRead(open.conversationId).catch(() => undefined);
  }

  #nameOf(userId: string): string {
    const friend = this.im.friends.find(({ user }) => user.userId === userId);
    if (friend) return friend.remark || friend.user.nickname;
    const peer = this.im.conversations.find(({ peer: one }) => one?.userId === userId)?.peer;
    return peer?.nickname ?? this.#strangers.get(userId) ?? `user ${userId}`;
  }

  /** Of the members of a group; without the server they go by their ids. */
  async #learnNames({ group }: LocalConversation): Promise<void> {
    if (!group || !this.isOnline) return;
    try {
      const { groupId } = group;
      let cursor: string | null = null;
      do {
        const params: Params<"group.members"> = { groupId, limit: 100, ...(cursor !== null && { cursor }) };
        const page: Result<"group.members"> = await this.im.call("group.members", params);
        for (const { user, nickname } of page.items) this.#strangers.set(user.userId, nickname || user.nickname);
        cursor = page.nextCursor;
      } while (cursor !== null);
    } catch {
      // One who has left is not told who is there.
    }
  }

  #tellConnection(): void {
    const { state, retryAt, refusal } = this.im.connection;
    if (state !== "online" && state !== "offline") return;
    const isOnline = state === "online";
    if (this.#toldOnline === isOnline) return;
    this.#toldOnline = isOnline;
    if (isOnline) this.write("-- online");
    if (isOnline && !this.#friendIds) this.#tellFriends();
    if (!isOnline)
      this.write(`-- offline${refusal ? `: ${refusal.message}` : ""}, what you write is sent later${retryText(retryAt)}`);
    this.#open?.transcript.update();
  }

  /** Many at once are those whom a new device hears of. */
  #tellFriends(): void {
    if (!this.isOnline) return;
    const known = this.#friendIds;
    this.#friendIds = new Set(this.im.friends.map(({ user }) => user.userId));
    const added = this.im.friends.filter(({ user }) => known && !known.has(user.userId));
    if (added.length > FEW) return;
    for (const { user } of added) this.write(`-- ${user.nickname} is a friend now: /open ${user.username}`);
  }

  #heard(message: LocalMessage): void {
    if (message.conversationId === this.#open?.conversationId) return;
    const conversation = this.im.conversation(message.conversationId);
    if (conversation?.muted) return;
    const where = conversation?.group ? ` (${conversation.group.name})` : "";
    this.write(`-- new${where}: ${firstLine(message, this.names)}`);
  }

  #failed(message: LocalMessage): void {
    if (message.conversationId === this.#open?.conversationId) return;
    this.write(`-- not sent: ${firstLine(message, this.names)}`);
  }
}

const retryText = (retryAt: number | null): string =>
  retryAt === null ? "" : ` (next try in ${Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000))} s)`;
