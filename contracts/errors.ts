/**
 * The one table of errors (K1). `type` is what code matches on, `code` what the wire carries. The first digit of a code
 * follows its domain: 1 user, 2 friend, 3 message, 4 group, 5 file, 6 call, 7 notification, 8 admin, 9 system.
 * `retryable`: the same request may succeed later without change.
 */
export interface ErrorEntry {
  readonly code: number;
  readonly status: number;
  readonly retryable: boolean;
  readonly en: string;
  readonly zh: string;
}

const refuse = (code: number, status: number, en: string, zh: string): ErrorEntry => ({ code, status, retryable: false, en, zh });
const retry = (code: number, status: number, en: string, zh: string): ErrorEntry => ({ code, status, retryable: true, en, zh });

export const errorTable = {
  USERNAME_TAKEN: refuse(1001, 409, "This user name is taken. Choose another one.", "用户名已被占用，请换一个。"),
  WRONG_CREDENTIALS: refuse(1002, 401, "Wrong account or password.", "账号或密码错误。"),
  WRONG_OLD_PASSWORD: refuse(1002, 403, "The old password is wrong.", "原密码错误。"),
  TOKEN_EXPIRED: refuse(
    1003,
    401,
    "The access token has expired. Renew it with the refresh token.",
    "访问令牌已过期，请用刷新令牌续期。",
  ),
  SESSION_ENDED: refuse(1004, 401, "This session has ended. Sign in again.", "会话已结束，请重新登录。"),
  USER_NOT_FOUND: refuse(1005, 404, "There is no such user.", "用户不存在。"),
  WEAK_PASSWORD: refuse(
    1006,
    400,
    "This password is too easy to guess. Use a longer or less common one.",
    "密码过于简单，请使用更长或更少见的密码。",
  ),
  CONTACT_TAKEN: refuse(
    1007,
    409,
    "This phone number or e-mail address belongs to another account.",
    "该手机号或邮箱已被其他账号使用。",
  ),
  TOO_MANY_CONNECTIONS: refuse(
    1008,
    403,
    "Too many connections of this user are open. Close one and connect again.",
    "该用户的连接数已达上限，请关闭一个后重试。",
  ),
  DEVICE_MISMATCH: refuse(1009, 403, "The access token belongs to another device.", "访问令牌属于另一台设备。"),
  UNAUTHENTICATED: refuse(1010, 401, "Sign in first: a valid access token is missing.", "请先登录：缺少有效的访问令牌。"),
  DEVICE_NOT_FOUND: refuse(1011, 404, "There is no such device.", "设备不存在。"),

  ALREADY_FRIENDS: refuse(2001, 409, "You are friends already.", "你们已经是好友。"),
  REQUEST_PENDING: refuse(2002, 409, "A friend request is waiting for an answer already.", "好友申请已发送，请等待对方处理。"),
  REQUEST_NOT_FOUND: refuse(2003, 404, "There is no such friend request.", "好友申请不存在。"),
  CANNOT_ADD_SELF: refuse(2004, 400, "You cannot do this to yourself.", "不能对自己进行此操作。"),
  NOT_FRIENDS: refuse(2005, 404, "This person is not your friend.", "对方不是你的好友。"),
  REQUESTS_REFUSED: refuse(2006, 403, "This person does not accept friend requests.", "对方不接受好友申请。"),
  REQUEST_HANDLED: refuse(2007, 409, "This friend request has been answered already.", "好友申请已处理。"),

  SEND_FAILED: retry(
    3001,
    503,
    "The message could not be stored now. Send it again with the same clientMsgId.",
    "消息暂时无法保存，请用相同的 clientMsgId 重试。",
  ),
  CANNOT_MESSAGE: refuse(3002, 403, "You cannot send messages to this person.", "无法向对方发送消息。"),
  BLOCKED_BY_YOU: refuse(
    3003,
    403,
    "You have blocked this person. Unblock them to send messages.",
    "你已拉黑对方，请先解除拉黑。",
  ),
  RECALL_TIME_PASSED: refuse(3004, 403, "It is too late to recall this message.", "已超过可撤回时间。"),
  EDIT_TIME_PASSED: refuse(3005, 403, "It is too late to edit this message.", "已超过可编辑时间。"),
  IDEMPOTENCY_CONFLICT: refuse(
    3006,
    409,
    "This clientMsgId was used for another message. Use a new one.",
    "该 clientMsgId 已用于其他消息，请更换。",
  ),
  MUTED: refuse(3007, 403, "You are muted in this group.", "你在该群被禁言。"),
  MESSAGE_NOT_FOUND: refuse(3008, 404, "There is no such message.", "消息不存在。"),
  CONVERSATION_NOT_FOUND: refuse(3009, 404, "There is no such conversation.", "会话不存在。"),
  TOO_MANY_READERS: refuse(3010, 403, "The group is too large to show who has read a message.", "群成员过多，无法查看已读名单。"),
  NOT_YOUR_MESSAGE: refuse(3011, 403, "Only the sender may do this.", "只有发送者可以执行此操作。"),
  NOT_EDITABLE: refuse(3012, 400, "A message of this kind cannot be changed.", "该类型的消息不能修改。"),
  MESSAGE_RECALLED: refuse(3013, 409, "This message has been recalled.", "消息已被撤回。"),
  TEXT_TOO_LARGE: refuse(3014, 413, "The message is too large.", "消息内容过大。"),
  SCHEDULED_NOT_FOUND: refuse(3015, 404, "There is no such scheduled message.", "定时消息不存在。"),
  SCHEDULED_CLOSED: refuse(
    3016,
    409,
    "This scheduled message is on its way, sent or cancelled already.",
    "该定时消息正在发送、已发送或已取消。",
  ),
  TOO_MANY_SCHEDULED: refuse(
    3017,
    409,
    "Too many scheduled messages are waiting. Cancel one first.",
    "等待发送的定时消息过多，请先取消一条。",
  ),
  TOO_MANY_PINS: refuse(
    3018,
    409,
    "As many messages as may be are pinned in this conversation. Unpin one first.",
    "该会话的置顶消息已达上限，请先取消一条。",
  ),
  FAVORITE_NOT_FOUND: refuse(3019, 404, "There is no such favorite.", "收藏不存在。"),
  TOO_MANY_FAVORITES: refuse(
    3020,
    409,
    "You have as many favorites as there may be. Remove one first.",
    "收藏数量已达上限，请先删除一条。",
  ),

  GROUP_NOT_FOUND: refuse(4001, 404, "There is no such group.", "群不存在。"),
  NOT_A_MEMBER: refuse(4002, 404, "This person is not a member of the group.", "对方不是群成员。"),
  ROLE_FORBIDS: refuse(4003, 403, "Your role in this group does not allow this.", "你在群中的角色无权执行此操作。"),
  GROUP_FULL: refuse(4004, 409, "The group is full.", "群成员已满。"),
  OWNER_MUST_TRANSFER: refuse(4005, 409, "The owner must transfer or dissolve the group first.", "群主需先转让或解散群。"),
  INVITE_CODE_INVALID: refuse(4006, 404, "This invite link is unknown, expired or used up.", "邀请链接不存在、已过期或已用完。"),
  INVITATION_NOT_FOUND: refuse(4007, 404, "There is no such invitation.", "邀请不存在。"),
  INVITATION_HANDLED: refuse(4008, 409, "This invitation has been answered or has expired.", "邀请已处理或已过期。"),
  JOIN_REQUEST_NOT_FOUND: refuse(4009, 404, "There is no such request to join.", "入群申请不存在。"),
  JOIN_REQUEST_HANDLED: refuse(4010, 409, "This request to join has been answered already.", "入群申请已处理。"),
  ALREADY_MEMBER: refuse(4011, 409, "You are a member of this group already.", "你已经是群成员。"),
  JOIN_PENDING: refuse(4012, 409, "Your request to join is waiting for an answer already.", "入群申请已提交，请等待处理。"),

  NOTIFICATION_NOT_FOUND: refuse(7001, 404, "There is no such notification.", "通知不存在。"),
  BROADCAST_NOT_FOUND: refuse(7002, 404, "There is no such broadcast.", "广播不存在。"),

  INTERNAL: refuse(
    9000,
    500,
    "Something went wrong on the server. The request id helps the operator to find it.",
    "服务器内部错误，请将请求编号提供给管理员。",
  ),
  VALIDATION: refuse(9001, 400, "The request is not valid. See data.fields.", "请求参数不合法，详见 data.fields。"),
  FORBIDDEN: refuse(9002, 403, "You are not allowed to do this.", "无权执行此操作。"),
  ROUTE_NOT_FOUND: refuse(9003, 404, "There is nothing at this address. See /docs for the list.", "接口不存在，请查看 /docs。"),
  METHOD_NOT_ALLOWED: refuse(
    9004,
    405,
    "This address does not take that method. See /docs for the list.",
    "该接口不支持此方法，请查看 /docs。",
  ),
  RATE_LIMITED: retry(
    9005,
    429,
    "Too many requests. Wait as long as Retry-After says.",
    "请求过于频繁，请按 Retry-After 等待后重试。",
  ),
  UNAVAILABLE: retry(9006, 503, "The service cannot answer now. Try again shortly.", "服务暂时不可用，请稍后重试。"),
  PAYLOAD_TOO_LARGE: refuse(9007, 413, "The request is too large.", "请求体过大。"),
  MALFORMED_REQUEST: refuse(9008, 400, "The request is not well-formed JSON over HTTP.", "请求格式错误，不是合法的 JSON。"),
  QUOTA_EXCEEDED: retry(9009, 429, "You have done this too often today. Try again later.", "操作次数过多，请稍后再试。"),
  UNKNOWN_EVENT: refuse(9010, 400, "The server does not know this event. See /docs for the list.", "未知的事件，请查看 /docs。"),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorType = keyof typeof errorTable;

/** The entry of a type that may have come from elsewhere; null when the table does not have it. */
export function errorEntry(type: unknown): ErrorEntry | null {
  return typeof type === "string" && Object.hasOwn(errorTable, type) ? errorTable[type as ErrorType] : null;
}
