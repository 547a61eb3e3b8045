import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";

/** Names of the settings that a message asks to change. */
export interface ListenSettings {
  readonly host: string;
  readonly port: number;
  readonly portName: string;
}

/**
 * Listens and resolves once connections are taken.
 * @throws Error whose message is one line that says what to change
 */
export async function listen(server: Server, settings: ListenSettings): Promise<void> {
  server.listen(settings.port, settings.host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new Error(reasonOf(error as NodeJS.ErrnoException, settings), { cause: error });
  }
}

function reasonOf(error: NodeJS.ErrnoException, { host, port, portName }: ListenSettings): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is taken; set ${portName} to another`;
    case "EACCES":
      return `Port ${port} on ${host} needs rights that this process does not have; set ${portName} to one above 1023`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${host} is no address of this machine; set IM_HOST to one that is`;
    default:
      return `Cannot listen on ${host}:${port} (${error.code ?? error.message})`;
  }
}

/** Where a listening server can be reached. */
export function addressOf(server: Server): { host: string; port: number } {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
