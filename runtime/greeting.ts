import type { ServiceBroker } from "moleculer";
import type { Config } from "../config/config.ts";
import { httpAddress } from "../mixins/http/index.ts";
import { metricsAddress } from "../mixins/metrics/index.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Of the people of the greeting, of the tour in the README and of the demo, so that the three go together. */
export const SAMPLE_PASSWORD = "lantern-quartz-42";

const JSON_HEADER = "-H 'Content-Type: application/json'";

/** Where a client on this machine reaches a listening address. */
export function urlOf({ host, port }: Address): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

/** Three lines for a shell: make an account, sign in, read the own profile. Each can be pasted again. */
export function firstCalls(url: string): string[] {
  const account = `{"username":"alice","password":"${SAMPLE_PASSWORD}"}`;
  return [
    `curl -sw '\\n' ${url}/api/v1/users/register ${JSON_HEADER} -d '${account}'`,
    `TOKEN=$(curl -s ${url}/api/v1/users/login ${JSON_HEADER} -d '${account}' | sed -E 's/.*"accessToken":"([^"]+)".*/\\1/')`,
    `curl -sw '\\n' ${url}/api/v1/users/me -H "Authorization: Bearer $TOKEN"`,
  ];
}

/** What a newcomer is told when the node is ready; empty when it serves no clients. */
export function greeting(broker: ServiceBroker, { dataDir }: Config): string {
  const http = httpAddress(broker);
  if (!http) return "";
  const url = urlOf(http);
  const metrics = metricsAddress(broker);
  const calls = firstCalls(url).map((line) => `  ${line}`);
  return [
    "",
    "  moleculer-im is ready.",
    "",
    `  Open it in a browser      ${url}`,
    `  API and pages to try it   ${url}/docs`,
    `  Data                      ${dataDir}`,
    ...(metrics ? [`  Metrics                   ${urlOf(metrics)}/metrics`] : []),
    "",
    "  Or by hand, in another terminal:",
    "",
    ...calls,
    "",
    "  npm run demo              fills the server with a small world and prints its sign-ins",
    "  npm run repl              runs the server with an operator's console (stop this one first)",
    "",
    "",
  ].join("\n");
}
