/** The servers that a cluster stands on. */
export type KindName = "mysql" | "redis" | "nats" | "kafka";

/** The names of the database, of its user, and of the prefix of further databases that this user may make. */
export const DATABASE = "im";

/** What is made once for a folder and kept in its state file. */
export interface Secrets {
  /** Of the database user `im`. */
  readonly password: string;
  /** Of the database user `root`. */
  readonly rootPassword: string;
  /** Kafka refuses data that another cluster id was written on. */
  readonly kafkaClusterId: string;
}

/** Where one server lives. */
export interface Place {
  /** Its data and configuration; absolute. */
  readonly folder: string;
  /** On 127.0.0.1; the first is the one that clients use. */
  readonly ports: readonly [number, ...number[]];
  readonly secrets: Secrets;
}

/** A server's program as found on this machine. */
export interface Program {
  readonly file: string;
  /** Arguments that come before all others. */
  readonly prefix?: readonly string[];
  readonly version: string;
  /** Where it came from, for people. */
  readonly from: string;
}

/** What one kind of server needs: a file each. */
export interface ServerKind {
  readonly name: KindName;
  readonly setting: "IM_MYSQL_URL" | "IM_REDIS_URL" | "IM_NATS_URL" | "IM_KAFKA_BROKERS";
  /** How many ports it listens on. */
  readonly portCount: 1 | 2;
  /** What to do about a missing program, in one line. */
  readonly advice: string;
  /** Asks this machine only. @param cache folder of what was fetched */
  find(cache: string): Promise<Program | null>;
  /** Debian packages without which `find` and `fetch` cannot succeed here. */
  missingPackages(): Promise<readonly string[]>;
  /** Brings what no package holds into the cache. @throws with the reason */
  fetch?(cache: string): Promise<void>;
  /** Makes folder and data ready for a start; does again no more than it must. @throws with the reason */
  prepare(program: Program, place: Place): Promise<void>;
  /** The arguments of a start. */
  args(program: Program, place: Place): readonly string[];
  /** The value of `setting`. */
  readonly url: (place: Place) => string;
  /** True once it answers as a server that can be used; never throws. */
  isReady(place: Place): Promise<boolean>;
  /** What is done through the running server before anybody uses it; does nothing a second time. @throws with the reason */
  afterStart?(place: Place): Promise<void>;
}

/** A server cannot be had or does not come up; the message says why and what to do, in lines for people. */
export class ServerError extends Error {
  override readonly name = "ServerError";
}

export const portOf = (place: Place): number => place.ports[0];
