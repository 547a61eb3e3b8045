/** The condition that somebody has deleted a message for themselves. */
interface Hidden {
  /** The alias of a table with `conversation_id` and `seq`. */
  readonly of: string;
  /** The parameter that names the user. */
  readonly from: string;
}

/** @returns a condition of SQL, to be negated where what is visible is wanted */
export const isHidden = ({ of, from }: Hidden): string =>
  `exists (select 1 from message_hidden h where h.user_id = :${from} and h.conversation_id = ${of}.conversation_id and h.seq = ${of}.seq)`;
