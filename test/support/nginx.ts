import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../../scripts/servers/ports.ts";
import { ROOT } from "./server-process.ts";
import { waitFor } from "./wait.ts";

const execute = promisify(execFile);

/** Where the gateways behind a proxy are. */
export interface Behind {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Asked for them again and again; null: they are fixed. */
  readonly nameServerPort: number | null;
}

/** Nginx with the configuration of `deploy/`. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

/** Whether it asks for the addresses of upstream servers again and again (`resolve`), as 1.27.3 and newer do. */
export async function canResolve(nginx: string): Promise<boolean> {
  const { stderr } = await execute(nginx, ["-v"]);
  const [major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(stderr) ?? []).slice(1).map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_027_003;
}

/** The configuration with the addresses of a test in place of Docker's, and with fixed gateways where they are. */
async function configuration(port: number, healthPort: number, behind: Behind, folder: string): Promise<string> {
  const text = await readFile(join(ROOT, "deploy/nginx/nginx.conf"), "utf8");
  const fixed = behind.addresses.map((address) => `server ${address}:${behind.port};`).join(" ");
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
  const changed = text
    .replace("pid /tmp/nginx.pid;", `pid ${folder}/nginx.pid;`)
    .replace("http {", `http { ${paths.join(" ")}`)
    .replace("listen 8080;", `listen 127.0.0.1:${port};`)
    .replace("listen 127.0.0.1:8081;", `listen 127.0.0.1:${healthPort};`)
    .replace("resolver 127.0.0.11 ", `resolver 127.0.0.1:${behind.nameServerPort ?? 53} `);
  if (behind.nameServerPort === null) return changed.replaceAll("server socket:3000 resolve;", fixed);
  return changed.replaceAll("server socket:3000 resolve;", `server socket:${behind.port} resolve;`);
}

/** Starts nginx and waits until it answers. @throws with what `nginx -t` says of the configuration */
export async function startNginx(nginx: string, behind: Behind): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), "im-nginx-"));
  const [port, healthPort = 0] = await freePorts(2);
  await writeFile(join(folder, "nginx.conf"), await configuration(port, healthPort, behind, folder));
  const args = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
  await execute(nginx, [...args, "-t"]);
  const child = spawn(nginx, [...args, "-g", "daemon off;"], { stdio: "ignore" });
  const ended = once(child, "close");
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await waitFor(() => answers(`http://127.0.0.1:${healthPort}/nginx`), "nginx to answer");
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

async function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false }, ({ statusCode }) => resolve(statusCode === 204)).on("error", () => resolve(false));
  });
}
