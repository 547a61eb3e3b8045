import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { api, connectClient, dataOf } from "../support/client.ts";
import { PASSWORD, clientMsgId, startIm } from "../support/im.ts";
import { startNginx } from "../support/nginx.ts";
import { buildFriends } from "../support/people.ts";
import { toolFor } from "../support/tools.ts";

const nginx = await toolFor("nginx");

describe("the product behind nginx", { skip: nginx.skip }, () => {
  it("signs a person in and carries messages, for pages of its own address alone", async () => {
    await using im = await startIm({ trustedProxies: ["127.0.0.1"] });
    const { hostname, port } = new URL(im.url);
    await using proxy = await startNginx(nginx.file, { addresses: [hostname], port: Number(port), nameServerPort: null });
    const { a, b, conversationId } = await buildFriends(im);

    const signIn = api(proxy.url).post<{ accessToken: string }>("/users/login", { username: a.username, password: PASSWORD });
    const { accessToken } = await dataOf(signIn);
    const headers = { Origin: proxy.url };
    await using sender = await connectClient(proxy.url, { token: accessToken, headers });
    await using receiver = await connectClient(proxy.url, { token: b.token });
    await sender.ok("message:send", {
      conversationId,
      clientMsgId: clientMsgId(),
      type: "text",
      content: { text: "through it" },
    });
    const { content } = await receiver.next<{ content: { text: string } }>("message:new");
    assert.equal(content.text, "through it");

    await assert.rejects(connectClient(proxy.url, { token: accessToken, headers: { Origin: "https://elsewhere.example" } }));
  });
});
