/** Limits that a client can see; sizes of text are UTF-8 bytes, lengths are Unicode characters. */
export const MAX_BODY_BYTES = 1_048_576;
export const MAX_TEXT_BYTES = 8_192;
/** Content of a message other than text, as JSON. */
export const MAX_CONTENT_BYTES = 16_384;
/** Objects and arrays inside each other, in any request. */
export const MAX_JSON_DEPTH = 16;
/** Fields and items in the body of a request; more than the largest message can have. */
export const MAX_JSON_VALUES = 10_000;
export const MAX_CLIENT_MSG_ID_LENGTH = 64;
/** How far ahead a message can be scheduled (1 year), and how many of one user can wait. */
export const MIN_SCHEDULE_AHEAD_MS = 10_000;
export const MAX_SCHEDULE_AHEAD_MS = 31_536_000_000;
export const MAX_SCHEDULED_MESSAGES = 100;
/** How long after reading a message may burn, up to 7 days. */
export const MIN_BURN_AFTER_MS = 1_000;
export const MAX_BURN_AFTER_MS = 604_800_000;
/** Of a message that is quoted in a reply to it. */
export const QUOTED_CHARACTERS = 100;
export const MAX_MENTIONS = 100;
export const MAX_FORWARD_ITEMS = 100;
export const MIN_USERNAME_LENGTH = 3;
export const MAX_USERNAME_LENGTH = 32;
export const MAX_NAME_LENGTH = 64;
export const MIN_PASSWORD_LENGTH = 8;
export const MAX_PASSWORD_LENGTH = 128;
export const MAX_AVATAR_LENGTH = 512;
export const MAX_SIGNATURE_LENGTH = 200;
export const MAX_ANNOUNCEMENT_LENGTH = 2_000;
export const MAX_NOTE_LENGTH = 200;
export const MAX_DRAFT_LENGTH = 2_000;
export const MAX_TAGS = 20;
export const MAX_EMOJI_LENGTH = 32;
/** Different emoji on one message. */
export const MAX_REACTION_KINDS = 50;
/** Pinned messages of one conversation. */
export const MAX_PINS = 50;
/** Messages that one user keeps. */
export const MAX_FAVORITES = 5_000;
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;
export const MIN_GROUP_MEMBERS = 2;
export const MAX_GROUP_MEMBERS = 5_000;
export const DEFAULT_GROUP_MEMBERS = 500;
/** People who can be invited or subscribed to in one request. */
export const MAX_USERS_IN_REQUEST = 500;
/** Above this many members it is the owner and admins who mention all, unless the group says otherwise. */
export const MENTION_ALL_GROUP = 500;
/** Above this many members a few people who join or leave are no message to the others. */
export const JOIN_NOISE_GROUP = 200;
/** Somebody who types the same in a conversation is told of once in this time. */
export const TYPING_TOLD_EVERY_MS = 2_000;
/** Above this many members nobody is told who has read a message, nor who types. */
export const MAX_READERS_GROUP = 500;
/** `userIds` of a reaction. */
export const REACTION_USERS_SHOWN = 20;
/** Unread messages of one conversation that are counted; so many stand for this many or more. 200,000 would take 210 ms. */
export const MAX_COUNTED_UNREAD = 10_000;
/** Conversations that a client names in one sync. */
export const MAX_SYNC_CONVERSATIONS = 1_000;
/** Messages of one conversation behind the seq that a sync names, and of the newest page. */
export const SYNC_MESSAGES = 50;
export const SYNC_NEWEST_MESSAGES = 20;
/** Changes of messages on one page of a sync. */
export const SYNC_CHANGES = 200;
/** Conversations of an offline summary. */
export const MAX_SUMMARY_CONVERSATIONS = 1_000;
/** How long an invitation to a group stands, 7 days. */
export const INVITATION_TTL_MS = 604_800_000;
/** Of each language of a broadcast. */
export const MAX_BROADCAST_LENGTH = 2_000;
/** People that a broadcast names. */
export const MAX_BROADCAST_USERS = 5_000;
