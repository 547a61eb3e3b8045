import type { LocalMessage, MessageWindow } from "@moleculer-im/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { effectScope, nextTick, watch } from "vue";
import { useRows, type RowsChange } from "../../src/chat/use-rows.ts";
import { message } from "./message.ts";

const made = new Map<string, LocalMessage>();
const items = (keys: string): LocalMessage[] =>
  [...keys].map((key) => made.get(key) ?? made.set(key, message({ key })).get(key)!);

class FakeWindow implements MessageWindow {
  readonly conversationId = "d_1_2";
  items: readonly LocalMessage[] = [];
  hasOlder = true;
  hasNewer = false;
  loading = null;
  readonly listeners = new Set<() => void>();

  async loadOlder(): Promise<void> {}
  async loadNewer(): Promise<void> {}
  async loadAround(): Promise<void> {}
  async loadLatest(): Promise<void> {}
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  close(): void {}
  show(keys: string): void {
    this.items = items(keys);
    for (const listener of this.listeners) listener();
  }
}

describe("rows that follow a window", () => {
  let scope = effectScope();
  beforeEach(() => {
    scope = effectScope();
  });
  afterEach(() => scope.stop());

  function follow(keys: string) {
    const window = new FakeWindow();
    window.items = items(keys);
    const changes: RowsChange[] = [];
    const rows = scope.run(() => useRows(window, (how) => changes.push(how)))!;
    /** What a virtual list is given, one after the other. */
    const given: [keys: string, shift: boolean][] = [];
    watch(rows.items, (now) => given.push([now.map(({ key }) => key).join(""), rows.shift.value]), { flush: "sync" });
    return { window, rows, changes, given };
  }

  it("keeps what is on the screen where it is when older ones come before it", async () => {
    const { window, rows, changes, given } = follow("cd");
    window.show("abcd");
    await rows.settled();
    expect(given[0]).toEqual(["abcd", true]);
    expect(given.at(-1)?.[0]).toBe("abcd");
    expect(changes).toEqual(["changed"]);
    expect(rows.stretch.value).toBe(0);
  });

  it("shows older and newer ones that come together in two steps", async () => {
    const { window, rows, changes, given } = follow("cd");
    window.show("abcdef");
    await rows.settled();
    expect(given).toEqual([
      ["abcd", true],
      ["abcdef", false],
    ]);
    expect(changes).toEqual(["longer"]);
  });

  it("takes up what came while it was at work", async () => {
    const { window, rows, given } = follow("cd");
    window.show("bcd");
    window.show("abcd");
    await nextTick();
    window.show("abcde");
    await rows.settled();
    expect(given.at(-1)).toEqual(["abcde", false]);
    expect(given.filter(([, isShift]) => isShift).every(([keys]) => keys.endsWith("cd"))).toBe(true);
  });

  it("begins anew with another stretch", async () => {
    const { window, rows, changes } = follow("cd");
    window.hasNewer = true;
    window.show("xyz");
    await rows.settled();
    expect(changes).toEqual(["replaced"]);
    expect(rows.stretch.value).toBe(1);
    expect(rows.hasNewer.value).toBe(true);
  });
});
