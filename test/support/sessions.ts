import type { SessionEndReason } from "../../contracts/events.ts";
import { errorType, type standIn } from "./accounts.ts";
import type { TestNode } from "./node.ts";

/** The `type` of the error that the check of an access token ends with; "" when it is good. */
export const verifyType = (node: TestNode, token: string): Promise<string> => errorType(node.call("auth.verify", { token }));
export const devicesOf = async (node: TestNode, who: Parameters<TestNode["as"]>[0]) =>
  (await node.as(who, "auth.devices", {})).items;

/** What the gateways of a node heard of ended sessions. */
export function endingsHeard() {
  const heard: { sessionIds: string[]; reason: SessionEndReason }[] = [];
  const gateway = {
    name: "gateway",
    events: { "session.ended": (ctx: { params: (typeof heard)[number] }) => void heard.push(ctx.params) },
  };
  return { heard, gateway: gateway as unknown as ReturnType<typeof standIn> };
}
