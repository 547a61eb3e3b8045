/** Limits of the server. What a client can see stands in `contracts/limits.ts`. */

/** A message is in the log, or its sender told that it is not known, within this time. */
export const APPEND_TIMEOUT_MS = 3_000;
/** Records that may wait for the log before sends are refused. About 20 MB of 200-byte messages. */
export const MAX_LOG_BACKLOG = 50_000;
/** Rows of one persister transaction. */
export const MAX_PERSIST_BATCH = 1_000;
/** Actions of the bus. Longer than the slowest step inside (append), so that a client has its answer within 5 s under any outage. */
export const REQUEST_TIMEOUT_MS = 4_500;
/** Calls of one action that a node of a cluster runs at once, and that wait for it; further ones are refused, retryable. */
export const CALLS_AT_ONCE = 256;
export const CALLS_WAITING = 2_000;
/**
 * How fast one conversation may go before further messages are refused for a moment, on all nodes together, so that it harms no
 * other. 50,000 deliveries a second are what a gateway sends beside all else; all members count, since who of them is online is
 * not known where it is decided. People in a group of 2,500 and more can read no 20 messages a second.
 */
export const CONVERSATION_PACE = { mostPerSecond: 200, leastPerSecond: 20, deliveriesPerSecond: 50_000, burstMs: 1_000 };
/** Known client message ids kept exactly for each sender of a conversation. */
export const KNOWN_CLIENT_MSG_IDS = 1_000;
/** Newest messages of a conversation kept in the hot store. */
export const TAIL_MESSAGES = 100;
/** Conversations kept in the embedded hot store; the least recently used one without pending messages goes first. */
export const MAX_HOT_CONVERSATIONS = 20_000;
/** Bytes queued for one socket before pushes to it are dropped and it is told to sync; queued and dropped before it is cut. */
export const SOCKET_QUEUE_SYNC_BYTES = 1_048_576;
export const SOCKET_QUEUE_CUT_BYTES = 4_194_304;
/** Clients that may have missed pushes in an outage are told to sync within this time, each at a moment of its own. */
export const SYNC_SPREAD_MS = 5_000;
/** A gateway looks this often for sessions that ended without its hearing of it. */
export const SESSION_CHECK_EVERY_MS = 2_000;
/** The time at which a session was last in use is stored at most once in this time while the use goes on. */
export const SESSION_SEEN_EVERY_MS = 60_000;
/** Live sessions of one user; a sign-in beyond them ends the ones that were not in use for the longest. */
export const MAX_SESSIONS_PER_USER = 20;
/** A connection counts as alive for this long after its last heartbeat. */
export const PRESENCE_TTL_MS = 90_000;
export const HEARTBEAT_EVERY_MS = 30_000;
/** Time that `SIGTERM` leaves for running work. */
export const SHUTDOWN_TIMEOUT_MS = 10_000;
/** New friend requests of one user in 24 hours (S22). */
export const FRIEND_REQUESTS_PER_DAY = 100;
/** Of one user in 24 hours (S22): groups made, people invited into groups, requests to join one. */
export const GROUPS_CREATED_PER_DAY = 50;
export const GROUP_INVITATIONS_PER_DAY = 200;
export const JOIN_REQUESTS_PER_DAY = 100;
/**
 * Those who watch a user hear that they left only when they have not come back within this time. Clients of Socket.IO whose
 * connection was cut try again after 0.5 to 1.5 s.
 */
export const PRESENCE_OFFLINE_DELAY_MS = 2_000;
/** A presence node tells of those who come and go at most once in this time, all together. */
export const PRESENCE_TOLD_EVERY_MS = 200;
/** Each presence node looks this often for users who left without a word, and for departures that a node left untold. */
export const PRESENCE_SWEEP_EVERY_MS = 5_000;
/** Wrong passwords of one account, and from one address, in `PASSWORD_GUESS_WINDOW_MS` before the next ones are refused (S7). */
export const WRONG_PASSWORDS_PER_ACCOUNT = 10;
export const WRONG_PASSWORDS_PER_ADDRESS = 50;
export const PASSWORD_GUESS_WINDOW_MS = 900_000;
/** Password hashes made at one time; the process has four threads for them and for its files. */
export const HASHES_AT_ONCE = 2;
/** A password that waited for its hash longer than this is refused as unavailable: its sender has given up. */
export const HASH_QUEUE_TIMEOUT_MS = 4_000;
/** Searches of one user for a phone number or an e-mail address in 24 hours (S22). */
export const CONTACT_SEARCHES_PER_DAY = 100;
/** A frame of a client: the largest text of a message, its JSON escapes and fields. */
export const MAX_SOCKET_FRAME_BYTES = 131_072;
/** A connection that has not said who it is by then is closed. */
export const SOCKET_CONNECT_TIMEOUT_MS = 5_000;
/** Connections that a gateway lets in, and syncs that it answers, at one time: more of them at once would all take longer. */
export const ARRIVALS_AT_ONCE = 64;
/** A connection waits so long to be let in; clients wait 20 s for it (the default of Socket.IO's). */
export const ARRIVAL_WAIT_MS = 15_000;
/** Connections whose end a gateway reports at one time. */
export const DEPARTURES_AT_ONCE = 32;
/** A node that stops waits this long for connections to take what was written to them. */
export const SOCKET_CLOSE_TIMEOUT_MS = 1_000;
/** Receipts of one conversation that come within this time after one go out together. */
export const RECEIPTS_EVERY_MS = 200;
/** Each scheduler node looks this often for what is due. */
export const SCHEDULER_EVERY_MS = 500;
/** Connection attempts of one address in a minute. */
export const MAX_CONNECTS_PER_MINUTE = 600;
/** Changes of messages (edits, recalls, reactions ...) kept for clients that come back: at most this long, and so many. */
export const CHANGE_LOG_KEEP_MS = 30 * 86_400_000;
export const MAX_CHANGE_LOG_ENTRIES = 1_000_000;
/** Newest notifications of a user that are kept. */
export const MAX_NOTIFICATIONS_KEPT = 1_000;
/** Announcements that one person posts in a group within this time are told as one. */
export const ANNOUNCEMENT_TOLD_EVERY_MS = 60_000;
/** Users of one step of a broadcast. */
export const BROADCAST_PORTION = 500;
/** Each node looks this often for broadcasts that nobody goes on with. */
export const BROADCAST_LOOK_EVERY_MS = 2_000;
/** A broadcast waits while more events than this are in the outbox, */
export const BROADCAST_MAX_OUTBOX = 1_000;
/** more messages than this are accepted and not yet in the database, or the oldest of them is older than that. */
export const BROADCAST_MAX_PENDING = 5_000;
export const BROADCAST_MAX_PENDING_AGE_MS = 3_000;
