import { randomUUID } from "node:crypto";
import type { ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import { nodesOf } from "../../lib/nodes-of.ts";
import type { HttpVars } from "../../mixins/http/index.ts";
import { allServices } from "../../services/index.ts";
import { api, connectClient, type Client, type RestClient } from "./client.ts";
import { createNode, type TestNode } from "./node.ts";
import { ownRedis } from "./redis.ts";
import { waitFor } from "./wait.ts";

/** What talks to clients; all else runs on the core node. */
const AT_THE_EDGE = ["api", "socket"];

export interface TestGateway {
  readonly node: TestNode;
  readonly url: string;
  /** REST calls through this gateway, of nobody or of the holder of a token. */
  api(token?: string): RestClient;
  /** A connection to this gateway, closed with all others. */
  connect(token: string): Promise<Client>;
}

/** The product on several nodes of this process: two gateways, and one node with all the rest; they share Redis. */
export interface Gateways extends AsyncDisposable {
  readonly core: TestNode;
  readonly gateways: readonly [TestGateway, TestGateway];
}

export async function startGateways(config: Partial<Config> = {}): Promise<Gateways> {
  const owner = new AsyncDisposableStack();
  try {
    const redis = owner.use(await ownRedis());
    const broker = { transporter: "Fake" as const, namespace: randomUUID() };
    const start = async (isEdge: boolean): Promise<TestNode> => {
      const services = allServices.filter(({ name }) => AT_THE_EDGE.includes(name) === isEdge);
      return owner.use(await createNode(services, { broker, config: { redisUrl: redis.url, ...config } }));
    };
    const core = await start(false);
    const [one, two] = [await start(true), await start(true)];
    const names = (services: readonly ServiceSchema[]): string[] => services.map(({ name }) => name);
    for (const node of [core, one, two]) await node.broker.waitForServices(names(allServices), 10_000, 20);
    for (const { broker: own } of [core, one, two])
      await waitFor(() => nodesOf(own, "socket").length === 2, "both gateways to be known, to each other too");
    const clients: Client[] = [];
    owner.defer(async () => {
      for (const client of clients) await client.close();
    });
    return {
      core,
      gateways: [gateway(one, clients), gateway(two, clients)],
      [Symbol.asyncDispose]: () => owner.disposeAsync(),
    };
  } catch (error) {
    await owner.disposeAsync();
    throw error;
  }
}

function gateway(node: TestNode, clients: Client[]): TestGateway {
  const { port } = (node.broker.getLocalService("api") as unknown as HttpVars).http.address();
  const url = `http://127.0.0.1:${port}`;
  return {
    node,
    url,
    api: (token) => api(url, token),
    async connect(token) {
      const client = await connectClient(url, { token });
      clients.push(client);
      return client;
    },
  };
}
