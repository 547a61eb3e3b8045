/** A shortest difference is believed for one to two of these, so that clocks that drift or were suspended are learned anew. */
const WINDOW_MS = 30_000;
const FORGET_AFTER_MS = 3_600_000;

interface Track {
  readonly instance: string;
  since: number;
  least: number;
  previousLeast: number;
  heardAt: number;
}

/**
 * How long packets were held up on their way, without clocks that agree: each carries its sender's monotonic time, and the
 * smallest difference to the receiver's that was seen of late stands for a packet that nothing held up. What a packet has
 * beyond that is its delay.
 */
export class TransitDelay {
  readonly #tracks = new Map<string, Track>();

  /**
   * Notes a packet.
   * @param instance of the sender: after a restart its clock is another one
   * @param sentAt ms, of the sender's monotonic clock
   * @param now ms, of the receiver's monotonic clock
   * @returns its delay in ms; 0 for the first of an instance
   */
  note(sender: string, instance: string, sentAt: number, now: number): number {
    const difference = now - sentAt;
    const track = this.#tracks.get(sender);
    if (track?.instance !== instance) {
      this.#forgetSilent(now);
      this.#tracks.set(sender, { instance, since: now, least: difference, previousLeast: difference, heardAt: now });
      return 0;
    }
    track.heardAt = now;
    if (now - track.since < WINDOW_MS) track.least = Math.min(track.least, difference);
    else Object.assign(track, { since: now, previousLeast: track.least, least: difference });
    return Math.max(0, difference - Math.min(track.least, track.previousLeast));
  }

  #forgetSilent(now: number): void {
    for (const [sender, { heardAt }] of this.#tracks) {
      if (now - heardAt > FORGET_AFTER_MS) this.#tracks.delete(sender);
    }
  }
}
