import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ConfigError, buildConfig, loadConfig } from "../../config/env.ts";
import type { Config } from "../../config/config.ts";

const SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvbmx5IQ-1";
const CLUSTER = {
  IM_PROFILE: "cluster",
  IM_JWT_SECRET: SECRET,
  IM_MYSQL_URL: "mysql://im:pass@db:3306/im",
  IM_REDIS_URL: "redis://cache:6379/0",
  IM_KAFKA_BROKERS: "kafka-1:9092, kafka-2:9092",
  IM_NATS_URL: "nats://bus:4222",
};

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "im-config-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const load = (env: Record<string, string> = {}): Config => loadConfig({ IM_DATA_DIR: folder, ...env });

function problemsOf(make: () => Config): readonly string[] {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.message, error.problems.join("\n"));
    return error.problems;
  }
  return assert.fail("no ConfigError");
}

describe("loadConfig", () => {
  it("gives the documented defaults, frozen, to an empty environment", () => {
    const config = load();
    assert.equal(config.profile, "embedded");
    assert.equal(config.host, "127.0.0.1");
    assert.equal(config.port, 3000);
    assert.equal(config.rateLimits, true);
    assert.equal(config.services, null);
    assert.equal(config.mysqlUrl, null);
    assert.deepEqual(config.kafkaBrokers, []);
    assert.equal(config.refreshTokenTtlS, 30 * 86_400);
    assert.match(config.nodeId, new RegExp(`-${process.pid}$`));
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.kafkaBrokers));
  });

  it("reads every kind of value, blanks around it ignored", () => {
    const config = load({
      IM_PORT: " 0 ",
      IM_RATE_LIMITS: "off",
      IM_KICK_POLICY: "class",
      IM_SERVICES: "api, socket,",
      IM_CORS_ORIGINS: "https://chat.example.com,http://localhost:5173",
      IM_TRUSTED_PROXIES: "10.0.0.0/8,::1",
      IM_JWT_SECRET: SECRET,
    });
    assert.equal(config.port, 0);
    assert.equal(config.rateLimits, false);
    assert.equal(config.kickPolicy, "class");
    assert.deepEqual(config.services, ["api", "socket"]);
    assert.deepEqual(config.corsOrigins, ["https://chat.example.com", "http://localhost:5173"]);
    assert.deepEqual(config.trustedProxies, ["10.0.0.0/8", "::1"]);
    assert.equal(config.jwtSecret, SECRET);
  });

  it("counts an empty variable as not set", () => {
    assert.equal(load({ IM_PORT: "", IM_MYSQL_URL: "  " }).port, 3000);
  });

  it("tells every problem at once, each in one line with the value and what is allowed", () => {
    assert.deepEqual(
      problemsOf(() => load({ IM_PORT: "70000", IM_LOG_LEVEL: "loud\n", IM_RATE_LIMITS: "no" })),
      [
        "IM_PORT=70000: must be an integer from 0 to 65535.",
        `IM_LOG_LEVEL="loud": must be fatal, error, warn, info, debug or trace.`,
        `IM_RATE_LIMITS="no": must be on or off.`,
      ],
    );
  });

  const refused: Record<string, string[]> = {
    IM_PORT: ["-1", "3000.5", "1e3", "0x10", "port"],
    IM_BCRYPT_ROUNDS: ["4", "16"],
    IM_HOST: ["a b", "http://x"],
    IM_NODE_ID: ["a b", "x>*"],
    IM_SERVICES: [",", "Message", "../x"],
    IM_CORS_ORIGINS: ["*", "https://x.example/", "chat.example.com", "null"],
    IM_TRUSTED_PROXIES: ["10.0.0.0/33", "all", "10.0.0", "10.0.0.0/8/8"],
    IM_MYSQL_URL: ["postgres://u@h/d", "mysql://host:3306", "mysql://host/", "host"],
    IM_REDIS_URL: ["redis://", "http://host", "redis://host/x"],
    IM_KAFKA_BROKERS: ["host", "host:port", "kafka://host:9092"],
    IM_KAFKA_TOPIC_PREFIX: ["a b", "x/"],
    IM_KAFKA_PARTITIONS: ["0", "1001"],
    IM_KAFKA_REPLICATION_FACTOR: ["0", "-1"],
    IM_KAFKA_MECHANISM: ["SCRAM-SHA-256", "gssapi"],
    IM_NATS_URL: ["host:4222", "nats://"],
    IM_S3_URL: ["minio:9000"],
  };
  for (const [name, values] of Object.entries(refused)) {
    it(`refuses ${name} = ${values.join("   ")}`, () => {
      for (const value of values) assert.equal(problemsOf(() => load({ [name]: value })).length, 1, value);
    });
  }

  it("refuses an unknown name and suggests the nearest", () => {
    assert.deepEqual(
      problemsOf(() => load({ IM_PROT: "1" })),
      ["IM_PROT is no setting; did you mean IM_PORT?"],
    );
    assert.deepEqual(
      problemsOf(() => load({ IM_SOMETHING_ELSE_ENTIRELY: "1" })),
      ["IM_SOMETHING_ELSE_ENTIRELY is no setting."],
    );
  });

  it("refuses equal ports, which would fail only when listening", () => {
    assert.match(problemsOf(() => load({ IM_METRICS_PORT: "3000" })).join(), /IM_PORT and IM_METRICS_PORT are both 3000/);
  });

  it("refuses a user of Kafka without a password, and a password without a user, which it does not show", () => {
    const halves: Record<string, string>[] = [{ IM_KAFKA_USERNAME: "im" }, { IM_KAFKA_PASSWORD: "hunter2" }];
    const lines = halves.flatMap((env) => problemsOf(() => load(env)));
    assert.deepEqual(lines, Array(2).fill("IM_KAFKA_USERNAME and IM_KAFKA_PASSWORD: one is set without the other."));
    assert.match(problemsOf(() => load({ IM_KAFKA_PASSWORD: "hunter2".repeat(40) })).join(), /^IM_KAFKA_PASSWORD=\(not shown\)/);
  });

  it("names the folder that it cannot write to", () => {
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    const [problem, ...others] = problemsOf(() => load({ IM_DATA_DIR: path.join(file, "data") }));
    assert.match(problem ?? "", /^IM_DATA_DIR=".*": must be a folder that can be written to \(ENOTDIR\)\.$/);
    assert.deepEqual(others, []);
  });

  it("makes the data folder and its path absolute", () => {
    const config = load({ IM_DATA_DIR: path.relative(process.cwd(), path.join(folder, "new", "data")) });
    assert.equal(config.dataDir, path.join(folder, "new", "data"));
    assert.ok(existsSync(config.dataDir));
  });

  it("takes a complete cluster", () => {
    const config = loadConfig(CLUSTER);
    assert.equal(config.profile, "cluster");
    assert.deepEqual(config.kafkaBrokers, ["kafka-1:9092", "kafka-2:9092"]);
  });

  it("names each missing part of a cluster, the secret among them", () => {
    const problems = problemsOf(() => loadConfig({ IM_PROFILE: "cluster", IM_DATA_DIR: folder }));
    const names = ["IM_JWT_SECRET", "IM_MYSQL_URL", "IM_REDIS_URL", "IM_KAFKA_BROKERS", "IM_NATS_URL"];
    assert.deepEqual(
      problems.map((line) => line.split(" ")[0]),
      names,
    );
    assert.ok(!existsSync(path.join(folder, "secret")));
  });

  it("shows no credentials of a refused URL", () => {
    const message = problemsOf(() => load({ IM_MYSQL_URL: "mysql://root:hun@ter2@db" })).join();
    assert.doesNotMatch(message, /root|hun|ter2/);
    assert.match(message, /\*\*\*@db/);
  });
});

describe("signing secret", () => {
  for (const secret of [
    "short",
    "x".repeat(64),
    "changeme-changeme-changeme-changeme-changeme",
    "Your_JWT_Secret_goes_here_0123456789abcdef",
    "密".repeat(12),
  ]) {
    it(`is refused, and not shown, when it is ${secret.slice(0, 12)}…`, () => {
      for (const name of ["IM_JWT_SECRET", "IM_JWT_PREVIOUS_SECRET"]) {
        const message = problemsOf(() => load({ [name]: secret })).join();
        assert.match(message, new RegExp(`^${name}=\\(not shown\\): must be at least 32 bytes`));
        assert.ok(!message.includes(secret));
      }
    });
  }

  it("is made by embedded, and the same at the next start", () => {
    const { jwtSecret } = load();
    assert.ok(Buffer.from(jwtSecret, "base64url").length >= 48);
    assert.equal(load().jwtSecret, jwtSecret);
    assert.equal(readFileSync(path.join(folder, "secret"), "utf8").trim(), jwtSecret);
  });
});

describe("buildConfig", () => {
  it("takes values from code and leaves the environment alone", () => {
    process.env["IM_PORT"] = "1";
    try {
      const config = buildConfig({ dataDir: folder, port: 0, bcryptRounds: 4, services: null, host: undefined });
      assert.equal(config.port, 0);
      assert.equal(config.bcryptRounds, 4);
      assert.equal(config.host, "127.0.0.1");
      assert.equal(buildConfig({ dataDir: folder }).port, 3000);
    } finally {
      delete process.env["IM_PORT"];
    }
  });

  it("refuses what the environment may not say either, and names the option", () => {
    const overrides = { dataDir: folder, port: "80", rateLimits: "off", kafkaBrokers: "a:1", natsURL: "nats://x" };
    assert.deepEqual(
      problemsOf(() => buildConfig(overrides as unknown as Partial<Config>)),
      [
        'port="80": must be an integer from 0 to 65535.',
        'rateLimits="off": must be on or off.',
        'kafkaBrokers="a:1": must be host:port pairs separated by commas.',
        "natsURL is no setting; did you mean natsUrl?",
      ],
    );
  });
});
