import { describe, expect, it } from "vitest";
import { deedsFor, type Viewer } from "../../src/chat/deeds.ts";
import { message } from "./message.ts";

const NOW = 1_760_000_000_000;
const viewer = (fields: Partial<Viewer> = {}): Viewer => ({
  me: "1",
  conversation: "direct",
  role: null,
  mayWrite: true,
  now: NOW,
  ...fields,
});

describe("what can be done with a message", () => {
  it("is recalled within two minutes and edited within fifteen", () => {
    const said = (minutes: number) => deedsFor(message({ createdAt: NOW - minutes * 60_000 }), viewer());
    expect(said(1)).toEqual(expect.arrayContaining(["edit", "recall"]));
    expect(said(3)).toContain("edit");
    expect(said(3)).not.toContain("recall");
    expect(said(15)).not.toContain("edit");
  });

  it("is nothing but reading on words of others", () => {
    const deeds = deedsFor(message({ senderId: "2", createdAt: NOW }), viewer());
    expect(deeds).toEqual(["reply", "react", "copy", "forward", "pin", "select", "delete"]);
  });

  it("lets those who run a group recall and pin", () => {
    const old = message({ senderId: "2", createdAt: 0, pinnedAt: 1 });
    expect(deedsFor(old, viewer({ conversation: "group", role: "admin" }))).toEqual(
      expect.arrayContaining(["recall", "unpin", "readers"]),
    );
    const member = deedsFor(old, viewer({ conversation: "group", role: "member" }));
    expect(member).not.toContain("recall");
    expect(member).not.toContain("unpin");
  });

  it("offers another try for what failed, and nothing else that needs the server", () => {
    const failed = message({ state: "failed", messageId: null, seq: null });
    expect(deedsFor(failed, viewer())).toEqual(["copy", "retry", "discard"]);
    expect(deedsFor(message({ state: "sending", messageId: null, seq: null }), viewer())).toEqual(["copy"]);
  });

  it("leaves what was recalled and what the server says alone", () => {
    expect(deedsFor(message({ recalledAt: NOW, content: {} }), viewer())).toEqual(["delete"]);
    expect(deedsFor(message({ type: "system", senderId: "0" }), viewer())).toEqual(["delete"]);
  });

  it("does not pass on what burns, nor writes where one may not", () => {
    expect(deedsFor(message({ burnAfterMs: 1_000 }), viewer())).not.toContain("forward");
    const deeds = deedsFor(message({ createdAt: NOW }), viewer({ mayWrite: false }));
    for (const deed of ["reply", "react", "edit", "pin"] as const) expect(deeds).not.toContain(deed);
  });
});
