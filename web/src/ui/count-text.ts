const MOST = 99;

/** A number for a badge: `99+` above 99. */
export const countText = (count: number): string => (count > MOST ? `${MOST}+` : String(count));
