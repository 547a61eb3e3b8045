import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { calmRequestQueue } from "../../mixins/message-log/kafka/request-queue.ts";
import { findCommand, runCommand, versionIn } from "./commands.ts";
import { portOf } from "./kind.ts";
import type { Place, ServerKind } from "./kind.ts";

const KAFKA_VERSION = "4.3.1";
/** Of the API version that Kafka is built on. */
const SLF4J_VERSION = "1.7.36";
const COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/** For a server that lives for minutes: the better code of the second compiler costs more than it saves until then. */
const JVM_FLAGS = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const FETCH_TIMEOUT_MS = 300_000;
const PROBE_TIMEOUT_MS = 2_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>moleculer-im</groupId>
  <artifactId>kafka-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>${SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

const jarFolder = (cache: string): string => join(cache, `kafka-${KAFKA_VERSION}`);
const dataFolder = ({ folder }: Place): string => join(folder, "data");
const propertiesFile = ({ folder }: Place): string => join(folder, "server.properties");

/** One node that is broker and controller; topics are made by whoever needs them, never by a misspelt name. */
function properties(place: Place): string {
  const [port, controllerPort = 0] = place.ports;
  return Object.entries({
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "log.dirs": dataFolder(place),
    "auto.create.topics.enable": false,
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 10,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** The message log: Apache's jars run by Java, since Debian has no package of it. */
export const kafka: ServerKind = {
  name: "kafka",
  setting: "IM_KAFKA_BROKERS",
  portCount: 2,
  advice: "put java (17 or newer) and mvn on PATH (Debian: default-jre-headless maven, Homebrew: openjdk maven)",

  async find(cache) {
    const file = await findCommand("java");
    if (file === null || !existsSync(jarFolder(cache))) return null;
    const java = versionIn(await runCommand(file, ["-version"]));
    const prefix = [...JVM_FLAGS, "-cp", join(jarFolder(cache), "*")];
    return { file, prefix, version: `Kafka ${KAFKA_VERSION}`, from: `${jarFolder(cache)}, Java ${java}` };
  },

  async missingPackages() {
    const java = (await findCommand("java")) === null ? ["default-jre-headless"] : [];
    const maven = (await findCommand("mvn")) === null ? ["maven"] : [];
    return [...java, ...maven];
  },

  async fetch(cache) {
    const jars = jarFolder(cache);
    if (existsSync(jars)) return;
    const maven = await findCommand("mvn");
    if (maven === null) throw new Error("there is no mvn to fetch it with");
    const unfinished = `${jars}.${process.pid}`;
    await mkdir(unfinished, { recursive: true });
    try {
      const pom = join(unfinished, "pom.xml");
      await writeFile(pom, POM);
      const options = ["-DincludeScope=runtime", `-DoutputDirectory=${unfinished}`];
      await runCommand(maven, ["-q", "-B", "-f", pom, COPY_JARS, ...options], FETCH_TIMEOUT_MS);
      if (!existsSync(jars)) await rename(unfinished, jars);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  },

  async prepare(program, place) {
    await mkdir(place.folder, { recursive: true, mode: 0o700 });
    await writeFile(propertiesFile(place), properties(place));
    if (existsSync(join(dataFolder(place), "meta.properties"))) return;
    const format = ["kafka.tools.StorageTool", "format", "-t", place.secrets.kafkaClusterId, "-c", propertiesFile(place)];
    await runCommand(program.file, [...(program.prefix ?? []), ...format]);
  },

  args: (_program, place) => [
    ...["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"],
    ...["kafka.Kafka", propertiesFile(place)],
  ],

  url: (place) => `127.0.0.1:${portOf(place)}`,

  async isReady(place) {
    const { default: kafkajs } = await import("kafkajs");
    calmRequestQueue();
    const admin = new kafkajs.Kafka({
      ...{ brokers: [`127.0.0.1:${portOf(place)}`], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } },
      ...{ connectionTimeout: PROBE_TIMEOUT_MS, requestTimeout: PROBE_TIMEOUT_MS },
    }).admin();
    try {
      await admin.connect();
      await admin.describeCluster(); // without it the client knows no broker to ask
      // Answered by the coordinator of a group, the last part to come up, and the first that a consumer waits for.
      await admin.fetchOffsets({ groupId: "im-servers" });
      return true;
    } catch {
      return false;
    } finally {
      await admin.disconnect();
    }
  },
};
