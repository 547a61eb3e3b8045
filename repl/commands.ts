import type { ServiceBroker } from "moleculer";
import { showBroadcasts, startBroadcast } from "./broadcast.ts";
import { explainOne } from "./explain.ts";
import { kickUser } from "./kick.ts";
import { showPipeline } from "./pipeline.ts";
import { showPresence } from "./presence.ts";
import { redriveAll } from "./redrive.ts";
import type { Report } from "./report.ts";

interface Command {
  /** What follows its name; those in [] may be left out. */
  readonly usage: string;
  readonly does: string;
  readonly minArgs: number;
  readonly maxArgs: number;
  run(broker: ServiceBroker, ...args: string[]): Promise<Report>;
}

/** The operator's commands: `im <name> …`. */
const COMMANDS: Readonly<Record<string, Command>> = {
  pipeline: { usage: "", does: "what waits at each step of the pipeline", minArgs: 0, maxArgs: 0, run: showPipeline },
  presence: { usage: "<user>", does: "devices and connections of a user", minArgs: 1, maxArgs: 1, run: showPresence },
  kick: { usage: "<user> [device]", does: "sign a user, or one device, out", minArgs: 1, maxArgs: 2, run: kickUser },
  redrive: { usage: "", does: "try dead letters again", minArgs: 0, maxArgs: 0, run: redriveAll },
  broadcast: {
    usage: '"text" [--zh "文本"] [--to <part>,…]',
    does: "tell all users, or some, in the background",
    minArgs: 1,
    maxArgs: 5,
    run: startBroadcast,
  },
  broadcasts: {
    usage: "[cancel <broadcastId>]",
    does: "how far broadcasts have got; end one",
    minArgs: 0,
    maxArgs: 2,
    run: showBroadcasts,
  },
  explain: { usage: "<messageId>", does: "the life of one message", minArgs: 1, maxArgs: 1, run: explainOne },
};

/** Runs one command; a failure is a line like any other. @param words what follows `im`, as it was typed */
export async function runCommand(broker: ServiceBroker, words: readonly string[]): Promise<Report> {
  const [name = "", ...args] = words;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return help();
  if (args.length < command.minArgs || args.length > command.maxArgs) return [`Usage: im ${name} ${command.usage}`.trimEnd()];
  try {
    return await command.run(broker, ...args);
  } catch (error) {
    const [line = "failed"] = (error instanceof Error ? error.message : String(error)).split("\n");
    return [`im ${name}: ${line}`];
  }
}

function help(): Report {
  const usages = Object.entries(COMMANDS).map(([name, { usage, does }]) => [`im ${name} ${usage}`, does] as const);
  const width = Math.max(...usages.map(([usage]) => usage.length));
  return [
    "Commands:",
    ...usages.map(([usage, does]) => `  ${usage.padEnd(width)}  ${does}`),
    "A <user> is an id or a user name. A <part> is a user, group:<groupId>, language:<en|zh>, after:<date> or before:<date>.",
  ];
}

/** Options of Moleculer's REPL. Every word stays a text: as a number an id would lose its last digits. */
export const replOptions = {
  delimiter: "im $",
  customCommands: [
    {
      command: "im [words...]",
      description: "Commands of moleculer-im; `im` alone lists them",
      allowUnknownOptions: true,
      parse(command: { args: readonly string[]; params?: readonly string[] }) {
        command.params = command.args;
      },
      async action(broker: ServiceBroker, words: readonly string[]): Promise<void> {
        process.stdout.write(`${(await runCommand(broker, words)).join("\n")}\n`);
      },
    },
  ],
};
