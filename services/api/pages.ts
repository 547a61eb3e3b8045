import type { Json, JsonObject } from "../../contracts/schema-refs.ts";

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? "");

export const STYLE = `
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: #1f2430; background: #fff; }
header { display: flex; gap: 1.5rem; align-items: baseline; padding: 0.8rem 1.5rem; background: #1f2430; color: #fff; }
header a { color: #cfd6e4; } header strong { font-size: 1.1rem; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
main section { border: 1px solid #d8dce5; border-radius: 6px; margin: 0.8rem 0; padding: 0.2rem 1rem 0.8rem; }
main section h3 { font: 600 1rem ui-monospace, monospace; margin: 0.6rem 0 0.2rem; }
.direction { font: 12px system-ui; border-radius: 3px; padding: 0.1rem 0.4rem; background: #e3ecff; }
main code { background: #f5f6f9; padding: 0.1rem 0.3rem; }
main pre { background: #f5f6f9; padding: 0.7rem; overflow: auto; max-height: 24rem; font-size: 13px; }
`;

export const SWAGGER_SCRIPT = `
window.addEventListener("load", () => {
  window.SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger", deepLinking: true, tryItOutEnabled: true, validatorUrl: null, docExpansion: "list", syntaxHighlight: { activated: true } });
});
`;

const layout = (title: string, head: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/docs.css">
${head}</head>
<body>
<header><strong>moleculer-im</strong><a href="/docs">REST</a><a href="/docs/socket">Socket events</a><a href="/openapi.json">openapi.json</a><a href="/asyncapi.json">asyncapi.json</a></header>
${body}
</body>
</html>
`;

/** The REST calls, to read and to try. */
export function restPage(): string {
  const head = `<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<script src="/docs/assets/swagger-ui-bundle.js" defer></script>
<script src="/docs/assets/docs.js" defer></script>
`;
  return layout("moleculer-im: REST", head, '<div id="swagger"></div>');
}

/** What stands between backticks is code. */
const withCode = (html: string): string => html.replace(/`([^`]*)`/g, "<code>$1</code>");
const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** The socket events of an AsyncAPI document, to read. */
export function socketPage(document: JsonObject): string {
  const channels = Object.values(objectOf(document["channels"])).map(objectOf);
  const fromClient = channels.filter((channel) => "request" in objectOf(channel["messages"]));
  const fromServer = channels.filter((channel) => "event" in objectOf(channel["messages"]));
  const body = `<main>
<p>${withCode(escapeHtml(textOf(objectOf(document["info"])["description"])))}</p>
<h2>A client sends</h2>
${fromClient.map((channel) => eventSection(channel, "client → server", ["request", "acknowledgement"])).join("\n")}
<h2>The server sends</h2>
${fromServer.map((channel) => eventSection(channel, "server → client", ["event"])).join("\n")}
<h2>Shapes</h2>
${Object.entries(objectOf(objectOf(document["components"])["schemas"]))
  .map(([name, schema]) => shapeSection(name, schema))
  .join("\n")}
</main>`;
  return layout("moleculer-im: socket events", "", body);
}

function eventSection(channel: JsonObject, direction: string, names: readonly string[]): string {
  const event = textOf(channel["address"]);
  const messages = objectOf(channel["messages"]);
  const parts = names.map((name) => {
    const message = objectOf(messages[name]);
    return `<p>${escapeHtml(name)}: ${escapeHtml(textOf(message["title"]))}</p>\n${schemaBlock(message["payload"])}`;
  });
  return `<section><h3>${escapeHtml(event)} <span class="direction">${direction}</span></h3>\n${parts.join("\n")}</section>`;
}

const shapeSection = (name: string, schema: Json): string =>
  `<section id="${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3>\n${schemaBlock(schema)}</section>`;

/** References lead to the shape below. */
function schemaBlock(schema: Json | undefined): string {
  const text = escapeHtml(JSON.stringify(schema ?? {}, null, 2));
  const linked = text.replace(/\{\s*&quot;\$ref&quot;: &quot;#\/components\/schemas\/(\w+)&quot;\s*\}/g, '<a href="#$1">$1</a>');
  return `<pre>${linked}</pre>`;
}
