/**
 * An operator's console: `npm run repl`. It joins the cluster of `npm run cluster` when that runs, or the one that the
 * environment names (`IM_PROFILE=cluster` and its URLs), as a node without services; else it runs the embedded server.
 */
import { Runner } from "moleculer";
import { presetEnvironment, profileOfEnvironment } from "../config/env.ts";
import { DEFAULT_CLUSTER_DIR, runningCluster } from "./cluster/index.ts";

const FLAGS = ["--repl", "--config", "moleculer.config.ts"];
const SERVICES = ["--mask", "**/*.service.ts", "services"];

/** Settings of a console; those that are set already stay. */
const CONSOLE = {
  IM_PROFILE: "cluster",
  IM_SERVICES: "none",
  IM_PORT: "0",
  IM_METRICS_PORT: "0",
  IM_LOG_LEVEL: "warn",
  IM_NODE_ID: `console-${process.pid}`,
};

const profile = profileOfEnvironment();
const cluster = profile === undefined ? await runningCluster(DEFAULT_CLUSTER_DIR) : null;
const isConsole = profile === "cluster" || cluster !== null;
if (isConsole) presetEnvironment({ ...CONSOLE, ...cluster?.env });
await new Runner().start([...process.argv.slice(0, 2), ...FLAGS, ...(isConsole ? [] : SERVICES)]);
