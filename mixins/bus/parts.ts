import { randomUUID } from "node:crypto";

/** A packet of which a part is missing this long after another one came is given up: its call has timed out. */
const INCOMPLETE_FOR_MS = 10_000;

/** One part of a packet that is too large for one message of NATS. */
export interface Part {
  /** Which packet, which part of it from 0, and how many there are, as the header of the message says it. */
  readonly label: string;
  readonly data: Buffer;
}

/** Cuts a packet into parts of at most `maxBytes`. They have to be sent in their order. */
export function cut(data: Buffer, maxBytes: number): Part[] {
  const id = randomUUID();
  const count = Math.ceil(data.length / maxBytes);
  return Array.from({ length: count }, (_, index) => ({
    label: `${id} ${index} ${count}`,
    data: data.subarray(index * maxBytes, (index + 1) * maxBytes),
  }));
}

interface Incomplete {
  readonly parts: Uint8Array[];
  readonly since: number;
}

/** Puts packets together again. Parts of one packet come in their order, or not at all. */
export class PartCollector {
  readonly #incomplete = new Map<string, Incomplete>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns the packet when this was its last part, else null */
  add(label: string, data: Uint8Array): Buffer | null {
    const [id = "", index = "", count = ""] = label.split(" ");
    const packet = index === "0" ? this.#begin(id) : this.#incomplete.get(id);
    if (packet?.parts.length !== Number(index)) return null; // its beginning was lost
    packet.parts.push(data);
    if (packet.parts.length < Number(count)) return null;
    this.#incomplete.delete(id);
    return Buffer.concat(packet.parts);
  }

  #begin(id: string): Incomplete {
    const since = this.#now();
    for (const [old, packet] of this.#incomplete) {
      if (since - packet.since > INCOMPLETE_FOR_MS) this.#incomplete.delete(old);
    }
    const packet: Incomplete = { parts: [], since };
    this.#incomplete.set(id, packet);
    return packet;
  }
}
