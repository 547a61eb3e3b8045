import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { ServiceBroker } from "moleculer";
import { OtherGateways } from "../../services/socket/other-gateways.ts";

interface Node {
  id: string;
  available: boolean;
  services: { name: string }[];
}

function fakeBroker(nodes: Node[]): { broker: ServiceBroker; localBus: EventEmitter } {
  const localBus = new EventEmitter();
  const registry = {
    getNodeList: ({ onlyAvailable }: { onlyAvailable: boolean }) => nodes.filter(({ available }) => available || !onlyAvailable),
  };
  return { broker: { nodeID: "me", localBus, registry } as unknown as ServiceBroker, localBus };
}

test("a gateway is alone until it hears of another, and not again because that one cannot be reached", () => {
  const nodes: Node[] = [{ id: "me", available: true, services: [{ name: "socket" }] }];
  const { broker, localBus } = fakeBroker(nodes);
  const others = new OtherGateways(broker);
  assert.equal(others.exist(), false);
  nodes.push({ id: "core", available: true, services: [{ name: "message" }] });
  localBus.emit("$node.connected");
  assert.equal(others.exist(), false, "no gateway");
  nodes.push({ id: "other", available: true, services: [{ name: "api" }, { name: "socket" }] });
  localBus.emit("$services.changed");
  assert.equal(others.exist(), true);
  nodes[2]!.available = false;
  localBus.emit("$node.updated");
  assert.equal(others.exist(), true, "the bus is away, Redis may not be");
  nodes.pop();
  localBus.emit("$node.updated");
  assert.equal(others.exist(), false, "it was forgotten");
  others.close();
  assert.equal(localBus.eventNames().length, 0);
});
