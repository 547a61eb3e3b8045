/**
 * A node of its own process for tests that kill it: `node bus-node.ts <natsUrl> <namespace> <nodeId>`. Its actions of `user`:
 * `getMany` names the node, `me` never answers. It writes "up" when it can be called, and the name of each call that comes.
 */
import { standInServices } from "./edge.ts";
import { createNode } from "./node.ts";

const [natsUrl = "", namespace = "", nodeId = ""] = process.argv.slice(2);
const say = (word: string): void => void process.stdout.write(`${word}\n`);
const handlers = {
  "user.getMany": (): string[] => [nodeId],
  "user.me": (): Promise<never> => {
    say("me");
    return new Promise(() => undefined);
  },
};
await createNode(standInServices(handlers, ["user"]), { config: { natsUrl, nodeId }, broker: { namespace } });
say("up");
