/** What became of people whom somebody wanted in a group. */
export interface InviteResult {
  readonly joined: readonly string[];
  readonly invited: readonly string[];
  /** Neither: they are members, or may not be invited by this person. The server does not say which. */
  readonly leftOut: readonly string[];
}

export function inviteResult(
  wanted: readonly string[],
  { joined, invited }: { readonly joined: readonly string[]; readonly invited: readonly string[] },
): InviteResult {
  const reached = new Set([...joined, ...invited]);
  return { joined, invited, leftOut: wanted.filter((userId) => !reached.has(userId)) };
}
