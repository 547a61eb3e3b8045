import { ImError } from "@moleculer-im/client";

/** Of the server's table of errors. */
export const CODE = { inviteCodeInvalid: 4006, alreadyMember: 4011 } as const;

/** Whether the server said that there is no such group, as it also does to those who may not know of it. */
export const isGone = (error: unknown): boolean => error instanceof ImError && error.status === 404;
export const isCodeRefused = (error: unknown): boolean => error instanceof ImError && error.code === CODE.inviteCodeInvalid;
export const isMemberAlready = (error: unknown): boolean => error instanceof ImError && error.code === CODE.alreadyMember;
