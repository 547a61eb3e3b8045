import { hostname } from "node:os";
import type { Config } from "./config.ts";
import { choice, integer, listOf, network, onOff, optional, origin, ratio, secret, text, url } from "./formats.ts";
import type { Format } from "./formats.ts";

/** One environment variable and the field of `Config` that it fills. */
export interface Setting<T> {
  readonly name: `IM_${string}`;
  readonly format: Format<T>;
  /** Replaces `format` for values given in code. */
  readonly codeFormat?: Format<T>;
  /** The value when none is given. */
  initial(): T;
  /** The default in words, where it is no fixed value. */
  readonly initialText?: string;
  readonly unit?: string;
  readonly meaning: string;
  /** The cluster profile does not start without it. */
  readonly isRequiredInCluster?: boolean;
}

export type Settings = { readonly [K in keyof Config]: Setting<Config[K]> };

type Extra<T> = Partial<Omit<Setting<T>, "name" | "format" | "meaning">>;

function setting<T>(name: `IM_${string}`, format: Format<T>, initial: T, meaning: string, extra: Extra<T> = {}): Setting<T> {
  return { name, format, initial: () => initial, meaning, ...extra };
}

const HOUR_MS = 3_600_000;
const DAY_S = 86_400;
const YEAR_MS = 365 * DAY_S * 1_000;
const port = integer(0, 65_535);
const brokers = text(/^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/, "host:port");
const mysql = url(["mysql:"], "mysql://user:password@host:port/database", ({ pathname }) => /^\/[^/]+$/.test(pathname));
const required = { isRequiredInCluster: true };

/** Every setting there is, in the order of the documentation. The environment, `buildConfig()` and the documents are read from it. */
export const SETTINGS: Settings = {
  profile: setting(
    "IM_PROFILE",
    choice("embedded", "cluster"),
    "embedded",
    "One process that needs no server, or one node of a cluster on NATS, Redis, Kafka and MySQL",
  ),
  host: setting("IM_HOST", text(/^[A-Za-z0-9_.:-]{1,255}$/, "a host name or address"), "127.0.0.1", "Address to listen on"),
  port: setting("IM_PORT", port, 3000, "Port of REST and Socket.IO; 0 takes any free one"),
  metricsPort: setting("IM_METRICS_PORT", port, 9464, "Port of the Prometheus metrics; 0 takes any free one"),
  dataDir: setting(
    "IM_DATA_DIR",
    text(/^[^\0]+$/, "a folder that can be written to"),
    "./data",
    "Folder below which embedded keeps everything; made when missing",
  ),
  logLevel: setting(
    "IM_LOG_LEVEL",
    choice("fatal", "error", "warn", "info", "debug", "trace"),
    "info",
    "Least level that is logged",
  ),
  services: setting(
    "IM_SERVICES",
    optional(listOf(text(/^[a-z][a-z-]*$/, ""), "service names separated by commas", 1)),
    null,
    "Services that this node runs; `none` for a node that is only a console",
    { initialText: "all" },
  ),
  nodeId: setting(
    "IM_NODE_ID",
    text(/^[A-Za-z0-9_.-]{1,128}$/, "1 to 128 characters of A-Za-z0-9_.-"),
    "",
    "Name of the node, unique in the cluster",
    { initial: () => `${hostname().replace(/[^A-Za-z0-9_.-]/g, "-")}-${process.pid}`, initialText: "host name and process id" },
  ),
  jwtSecret: setting(
    "IM_JWT_SECRET",
    secret(),
    "",
    "Signs the access tokens; the same on all nodes. Embedded makes one in its data folder",
    { ...required, initialText: "made by embedded" },
  ),
  jwtPreviousSecret: setting(
    "IM_JWT_PREVIOUS_SECRET",
    optional(secret()),
    null,
    "The secret before a change, still accepted while its tokens live",
  ),
  accessTokenTtlS: setting("IM_ACCESS_TOKEN_TTL_S", integer(1, DAY_S), 900, "Life of an access token", { unit: "s" }),
  refreshTokenTtlS: setting("IM_REFRESH_TOKEN_TTL_S", integer(1, 365 * DAY_S), 30 * DAY_S, "Life of a refresh token", {
    unit: "s",
  }),
  bcryptRounds: setting("IM_BCRYPT_ROUNDS", integer(10, 15), 10, "Cost of a password hash; each step doubles it", {
    codeFormat: integer(4, 15),
    unit: "log2 rounds",
  }),
  kickPolicy: setting(
    "IM_KICK_POLICY",
    choice("none", "class", "all"),
    "none",
    "Which older sessions a sign-in ends: none, those of the same device class, or all",
  ),
  maxConnectionsPerUser: setting("IM_MAX_CONNECTIONS_PER_USER", integer(1, 1_000), 5, "Socket connections of one user at a time"),
  rateLimits: setting("IM_RATE_LIMITS", onOff(), true, "Limits per user, address and route; `off` is for benchmarks only"),
  corsOrigins: setting(
    "IM_CORS_ORIGINS",
    listOf(origin(), "origins such as https://chat.example.com, separated by commas"),
    [],
    "Origins that browsers may come from besides the server's own",
  ),
  trustedProxies: setting(
    "IM_TRUSTED_PROXIES",
    listOf(network(), "addresses or CIDR networks, separated by commas"),
    [],
    "Proxies whose X-Forwarded-For is believed",
  ),
  polling: setting("IM_POLLING", onOff(), false, "Socket.IO long polling besides WebSocket"),
  recallLimitMs: setting("IM_RECALL_LIMIT_MS", integer(0, YEAR_MS), 120_000, "A sender may recall a message for this long", {
    unit: "ms",
  }),
  editLimitMs: setting("IM_EDIT_LIMIT_MS", integer(0, YEAR_MS), 900_000, "A sender may edit a message for this long", {
    unit: "ms",
  }),
  compensateAfterMs: setting(
    "IM_COMPENSATE_AFTER_MS",
    integer(10, HOUR_MS),
    5_000,
    "A message that is pending for longer is driven again by the compensator",
    { unit: "ms" },
  ),
  compensateEveryMs: setting("IM_COMPENSATE_EVERY_MS", integer(10, HOUR_MS), 2_000, "Time between two runs of the compensator", {
    unit: "ms",
  }),
  compensateTries: setting(
    "IM_COMPENSATE_TRIES",
    integer(1, 10_000),
    30,
    "The compensator gives a message up after this many tries while log and database answer: it becomes a dead letter",
  ),
  mysqlUrl: setting(
    "IM_MYSQL_URL",
    optional(mysql),
    null,
    "Database; embedded without it uses SQLite in the data folder",
    required,
  ),
  mysqlReplicaUrl: setting(
    "IM_MYSQL_REPLICA_URL",
    optional(mysql),
    null,
    "Read replica of IM_MYSQL_URL: exports and other long reads go there once it has caught up",
  ),
  mysqlSsl: setting(
    "IM_MYSQL_SSL",
    onOff(),
    false,
    "TLS to MySQL, whose certificate must name the host of the URL; `NODE_EXTRA_CA_CERTS` adds an authority of one's own",
  ),
  mysqlPoolSize: setting(
    "IM_MYSQL_POOL_SIZE",
    integer(2, 1_000),
    10,
    "Connections of this node that serve its calls to MySQL; up to 7 more are for readiness, models and migrations",
  ),
  redisUrl: setting(
    "IM_REDIS_URL",
    optional(url(["redis:", "rediss:"], "redis://host:port/0", ({ pathname }) => /^(\/\d*)?$/.test(pathname))),
    null,
    "Hot store; embedded without it keeps it in the process",
    required,
  ),
  kafkaBrokers: setting(
    "IM_KAFKA_BROKERS",
    listOf(brokers, "host:port pairs separated by commas"),
    [],
    "Message log; embedded without it logs in the process",
    required,
  ),
  kafkaTopicPrefix: setting(
    "IM_KAFKA_TOPIC_PREFIX",
    optional(text(/^[A-Za-z0-9._-]{1,100}$/, "1 to 100 characters of A-Za-z0-9._-")),
    null,
    "Stands before the names of the topics and consumer groups, where several systems share a Kafka",
  ),
  kafkaPartitions: setting(
    "IM_KAFKA_PARTITIONS",
    integer(1, 1_000),
    10,
    "Partitions of each of the two message topics when they are made; so many persisters can share the work",
  ),
  kafkaReplicationFactor: setting(
    "IM_KAFKA_REPLICATION_FACTOR",
    integer(1, 10),
    1,
    "Brokers that each record is on when the topics are made. 3 survives the loss of a broker, 1 does not",
  ),
  kafkaSsl: setting("IM_KAFKA_SSL", onOff(), false, "TLS to Kafka; `NODE_EXTRA_CA_CERTS` adds an authority of one's own"),
  kafkaMechanism: setting(
    "IM_KAFKA_MECHANISM",
    choice("plain", "scram-sha-256", "scram-sha-512"),
    "scram-sha-512",
    "How a node signs in to Kafka (SASL), once it has a user name",
  ),
  kafkaUsername: setting(
    "IM_KAFKA_USERNAME",
    optional(text(/^[^\0]{1,256}$/, "1 to 256 characters")),
    null,
    "User name for Kafka; without it nobody signs in",
  ),
  kafkaPassword: setting(
    "IM_KAFKA_PASSWORD",
    optional({ ...text(/^[^\0]{1,256}$/, "1 to 256 characters"), show: () => "(not shown)" }),
    null,
    "Password of that user",
  ),
  natsUrl: setting(
    "IM_NATS_URL",
    optional(url(["nats:", "tls:"], "nats://host:port")),
    null,
    "Bus and event stream; embedded without it uses neither",
    required,
  ),
  s3Url: setting(
    "IM_S3_URL",
    optional(url(["http:", "https:", "s3:"], "https://key:secret@host:port/bucket")),
    null,
    "Store of files; embedded without it uses the data folder",
  ),
  otlpUrl: setting(
    "IM_OTLP_URL",
    optional(url(["http:", "https:"], "http://host:4318/v1/traces")),
    null,
    "Collector that traces are sent to by OTLP over HTTP; without it nothing is traced",
  ),
  otlpSampleRatio: setting(
    "IM_OTLP_SAMPLE_RATIO",
    ratio(),
    0.1,
    "Share of the requests that are traced; what a traced request causes on other nodes is traced with it",
  ),
};
