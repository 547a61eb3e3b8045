import { describe } from "node:test";
import { serversFor } from "../support/servers.ts";
import { testBus } from "./bus.ts";

const nats = await serversFor("nats");

describe("the bus on NATS", { skip: nats.skip }, () => testBus("NATS", { config: { natsUrl: nats.url } }));
