/**
 * An Express application with instant messaging on the same port: its own pages and routes, and everything of moleculer-im
 * below `/api/v1` and `/socket.io`.
 *
 *     node examples/express-app/app.ts
 *
 * In an application of yours the import is `from "moleculer-im"`.
 */
import express from "express";
import { createServer, type Server } from "node:http";
import { createIm, type Im, type ImOptions } from "../../index.ts";

export interface Shop {
  readonly server: Server;
  readonly im: Im;
  close(): Promise<void>;
}

/** Starts both on one port. @param options of the node, where the defaults do not fit */
export async function startShop(port: number, options: ImOptions = {}): Promise<Shop> {
  const app = express();
  app.get("/", (_req, res) => void res.send("<h1>Shop</h1>"));
  app.get("/orders/:id", (req, res) => void res.json({ order: req.params.id }));

  // The application's handler stands on the server first: it keeps every path that is not of moleculer-im.
  const server = createServer(app);
  const im = createIm({ ...options, server });
  server.listen(port, "127.0.0.1");
  await im.start();

  const close = async (): Promise<void> => {
    await im.stop();
    await new Promise((resolve) => server.close(resolve));
  };
  return { server, im, close };
}

if (import.meta.main) {
  const shop = await startShop(3000);
  console.log(`The shop and its chat are at ${shop.im.url}`);
  process.once("SIGINT", () => void shop.close());
}
