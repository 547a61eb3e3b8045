/** Where an invite link leads; `origin` such as `https://im.example.com`. */
export function inviteUrl(origin: string, groupId: string, inviteCode: string): string {
  return `${origin}/join/${encodeURIComponent(groupId)}?code=${encodeURIComponent(inviteCode)}`;
}
