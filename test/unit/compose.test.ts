import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Ajv } from "ajv";
import { ConfigError, loadConfig } from "../../config/env.ts";
import { runOnly } from "../../runtime/chosen-services.ts";
import { ROLE_SERVICES } from "../../scripts/cluster/roles.ts";
import { allServices } from "../../services/index.ts";
import { readCompose } from "../support/compose.ts";
import { ROOT } from "../support/server-process.ts";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const SECRETS = [...read("deploy/example.env").matchAll(/^(\w+)=$/gm)].map(([, name = ""]) => name);
const OPTIONS = [...read("deploy/example.env").matchAll(/^#(\w+)=/gm)].map(([, name = ""]) => name);
const SECRET = "0123456789abcdef0123456789abcdef";
const ENV = Object.fromEntries(SECRETS.map((name) => [name, SECRET]));
const FILES = { "docker-compose.yml": ENV, "deploy/servers.compose.yml": { MYSQL_ROOT_PASSWORD: "p", KAFKA_CLUSTER_ID: "k" } };

const { services, networks = {}, volumes = {} } = readCompose("docker-compose.yml", ENV);
const nodes = Object.entries(services).filter(([, { build }]) => build !== undefined);
const settingsOf = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [key, String(value)]));

describe("compose files", () => {
  // Without `$schema`: Ajv knows draft 7 by another spelling of its address.
  const { $schema: _draft, ...schema } = JSON.parse(read("test/support/compose-spec/compose-spec.json")) as object & {
    $schema: string;
  };
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(schema);

  for (const [file, env] of Object.entries(FILES)) {
    it(`${file} keeps the schema of the Compose Specification`, () => {
      assert.ok(isValid(readCompose(file, env)), JSON.stringify(isValid.errors, null, 2));
    });
  }

  it("are refused by the schema when they name what Compose does not know", () => {
    const compose = readCompose("docker-compose.yml", ENV);
    assert.equal(isValid({ ...compose, services: { ...compose.services, core: { imagee: "x" } } }), false);
  });
});

describe("docker-compose.yml", () => {
  it("takes every variable from deploy/example.env, and does not start without the secrets", () => {
    const used = [...read("docker-compose.yml").matchAll(/\$\{(\w+)/g)].map(([, name = ""]) => name);
    assert.deepEqual([...new Set(used)].sort(), [...SECRETS, ...OPTIONS].sort());
    for (const name of SECRETS) {
      assert.throws(() => readCompose("docker-compose.yml", { ...ENV, [name]: "" }), new RegExp(`\\$\\{${name}:`));
    }
  });

  for (const [name] of nodes) {
    it(`gives ${name} settings that it starts with`, () => {
      const config = loadConfig(settingsOf(name));
      assert.equal(config.profile, "cluster");
      assert.doesNotThrow(() => runOnly(config.services), ConfigError);
    });
  }

  it("runs every service, in the roles of the cluster", () => {
    const chosen = (name: string): readonly string[] => loadConfig(settingsOf(name)).services ?? [];
    const { core, gateway, persister, compensator } = ROLE_SERVICES;
    for (const [name, role] of Object.entries({ core, socket: gateway, persister, compensator })) {
      assert.deepEqual([...chosen(name)].sort(), [...(role ?? [])].sort(), name);
    }
    const running = nodes.flatMap(([name]) => chosen(name)).filter((name) => name !== "none");
    assert.deepEqual(running.sort(), allServices.map(({ name }) => name).sort());
  });

  it("points its nodes at servers that it runs, on a network that both are in, and waits until they are healthy", () => {
    for (const [name, { networks: own = [], depends_on = {} }] of nodes) {
      const { mysqlUrl, redisUrl, natsUrl, kafkaBrokers, s3Url } = loadConfig(settingsOf(name));
      const urls = [mysqlUrl, redisUrl, natsUrl, ...kafkaBrokers.map((broker) => `kafka://${broker}`)];
      const hosts = urls.map((url) => new URL(url ?? "").hostname);
      for (const host of [...hosts, new URL(s3Url ?? "").hostname]) {
        assert.ok(
          services[host]?.networks?.some((network) => own.includes(network)),
          `${name} cannot reach ${host}`,
        );
      }
      assert.deepEqual(Object.keys(depends_on).sort(), hosts.sort(), name);
      for (const { condition } of Object.values(depends_on)) assert.equal(condition, "service_healthy");
    }
  });

  it("checks the health of everything that it runs", () => {
    const unchecked = Object.entries(services).filter(([, { build, healthcheck }]) => !build && !healthcheck);
    assert.deepEqual(unchecked, []);
    assert.match(read("Dockerfile"), /^HEALTHCHECK /m);
  });

  it("publishes nothing but clients' entrance, Prometheus and Grafana, on loopback unless told otherwise", () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    assert.deepEqual(published, [
      ["nginx", "127.0.0.1:8080:8080"],
      ["prometheus", "127.0.0.1:9090:9090"],
      ["grafana", "127.0.0.1:3001:3000"],
    ]);
  });

  it("mounts files and volumes, and joins networks, that there are", () => {
    for (const [name, { volumes: mounts = [], networks: own = [] }] of Object.entries(services)) {
      for (const [source = ""] of mounts.map((mount) => mount.split(":"))) {
        assert.ok(source.startsWith("./") ? existsSync(join(ROOT, source)) : source in volumes, `${name}: ${source}`);
      }
      assert.deepEqual(
        own.filter((network) => !(network in networks)),
        [],
        name,
      );
    }
  });

  it("is followed by Nginx and Prometheus, which name its services", () => {
    const upstreams = [...read("deploy/nginx/nginx.conf").matchAll(/^ +server (\w+):3000 resolve;$/gm)].map(
      ([, name = ""]) => name,
    );
    assert.deepEqual(upstreams, ["socket", "socket"]);
    assert.ok(services["socket"]?.networks?.includes("front"));
    const watched = [...read("deploy/prometheus/prometheus.yml").matchAll(/names: \[(\w+)\]/g)].map(([, name = ""]) => name);
    assert.deepEqual(
      watched,
      nodes.map(([name]) => name).filter((name) => name !== "console"),
    );
    for (const name of watched) assert.ok(services[name]?.networks?.includes("watch"));
  });
});

describe("Dockerfile", () => {
  const text = read("Dockerfile");
  const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: Record<string, string> };

  it("builds on the Node that the tests run on, and runs as a user of no rights", () => {
    assert.ok(text.includes(`ARG NODE_IMAGE=node:${devDependencies["node"]}-`));
    assert.ok(text.indexOf("\nUSER node\n") > text.lastIndexOf("\nFROM "));
  });

  it("copies files that there are and that .dockerignore lets through", () => {
    const ignore = read(".dockerignore").split("\n");
    for (const [, sources = ""] of text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
      for (const source of sources.split(" ").filter((name) => name !== ".")) {
        assert.ok(existsSync(join(ROOT, source)), source);
        assert.ok(ignore.includes(`!${source}`), source);
      }
    }
  });

  it("lets through what the build compiles", () => {
    const { include } = JSON.parse(read("tsconfig.build.json")) as { include: string[] };
    const rooms = include.map((pattern) => pattern.replace(/\/\*\*\/\*\.ts$/, "").replace(/^[^/]+\.ts$/, "*.ts"));
    const ignore = read(".dockerignore").split("\n");
    assert.deepEqual(
      rooms.filter((room) => !ignore.includes(`!${room}`)),
      [],
    );
  });
});
