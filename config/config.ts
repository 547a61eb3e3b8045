/**
 * What a node is configured with. Made and checked once, from the environment by `loadConfig()` (`config/env.ts`) or from
 * the options of `createIm()`; frozen afterwards.
 */
export interface Config {
  readonly profile: "embedded" | "cluster";
  readonly nodeId: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Port of the Prometheus metrics; 0 takes any free port. */
  readonly metricsPort: number;
  /** Absolute path; embedded keeps everything below it. */
  readonly dataDir: string;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace";
  readonly rateLimits: boolean;
  readonly accessTokenTtlS: number;
  readonly refreshTokenTtlS: number;
  readonly recallLimitMs: number;
  readonly editLimitMs: number;
  /** Which older sessions a new sign-in ends: none, those of the same device class, or all. */
  readonly kickPolicy: "none" | "class" | "all";
  readonly compensateAfterMs: number;
  readonly compensateEveryMs: number;
  readonly compensateTries: number;
  readonly maxConnectionsPerUser: number;
  /** Signs access tokens, at least 32 bytes. Embedded makes one in its data folder when none is given. */
  readonly jwtSecret: string;
  /** The previous secret, still accepted while keys rotate. */
  readonly jwtPreviousSecret: string | null;
  /** Names of the services this node runs; null runs all. */
  readonly services: readonly string[] | null;
  /** Origins that browsers may use besides the server's own. */
  readonly corsOrigins: readonly string[];
  /** Addresses (CIDR) whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Socket.IO long polling besides WebSocket. */
  readonly polling: boolean;
  /** Cost of a password hash, 2^n rounds. */
  readonly bcryptRounds: number;
  readonly mysqlUrl: string | null;
  /** A server that follows the one of `mysqlUrl`: long reads go there. */
  readonly mysqlReplicaUrl: string | null;
  /** TLS to both. */
  readonly mysqlSsl: boolean;
  /** Connections of this node to MySQL that serve its calls. */
  readonly mysqlPoolSize: number;
  readonly redisUrl: string | null;
  readonly kafkaBrokers: readonly string[];
  /** Stands before the names of topics and consumer groups. */
  readonly kafkaTopicPrefix: string | null;
  readonly kafkaPartitions: number;
  readonly kafkaReplicationFactor: number;
  readonly kafkaSsl: boolean;
  readonly kafkaMechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  /** Null: nobody signs in. */
  readonly kafkaUsername: string | null;
  readonly kafkaPassword: string | null;
  readonly natsUrl: string | null;
  readonly s3Url: string | null;
  /** Where traces are sent (OTLP over HTTP); null traces nothing. */
  readonly otlpUrl: string | null;
  /** Share of the requests that are traced. */
  readonly otlpSampleRatio: number;
}
