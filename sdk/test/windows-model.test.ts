import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LocalMessage, MessageWindow } from "../src/index.ts";
import { Device, ID, type Server } from "./support/device.ts";

function checkOrder(items: readonly LocalMessage[]): void {
  const seqs = items.map(({ seq }) => seq ?? Infinity);
  for (let index = 1; index < seqs.length; index++) expect(seqs[index]!).toBeGreaterThan(seqs[index - 1]!);
  expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
}

/** What a window shows is all that the server has there, as it is now. */
function checkAgainst({ visible, maxSeq }: Server, { items, hasOlder, hasNewer }: MessageWindow): void {
  const shown = items.map(({ seq, content }) => `${seq} ${String(content["text"])}`);
  const first = hasOlder ? (items[0]?.seq ?? maxSeq + 1) : 0;
  const last = hasNewer ? (items.at(-1)?.seq ?? first) : maxSeq;
  const wanted = visible.filter(({ seq }) => seq >= first && seq <= last);
  expect(shown).toEqual(wanted.map(({ seq, content }) => `${seq} ${String(content["text"])}`));
}

type Deed = readonly [
  kind: "push" | "jump" | "void" | "behind" | "edit" | "delete" | "clear" | "latest" | "older" | "newer" | "around" | "refresh",
  number: number,
  answers: number,
];
const kinds = ["push", "jump", "void", "behind", "edit", "delete", "latest", "older", "newer", "around", "refresh"] as const;
const deed: fc.Arbitrary<Deed> = fc.tuple(
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...kinds) }, { weight: 1, arbitrary: fc.constant("clear" as const) }),
  fc.nat({ max: 200 }),
  fc.nat({ max: 3 }),
);

/** Loads are begun and not waited for; what changes is there at once. */
async function perform(device: Device, window: ReturnType<Device["view"]["openWindow"]>, [kind, number]: Deed): Promise<void> {
  const { server } = device;
  switch (kind) {
    case "push":
      return device.push();
    case "jump":
      server.add(number % 70);
      return device.sync(0);
    case "void":
      server.addVoid(1 + (number % 40));
      return device.sync(device.mark);
    case "behind":
      server.add(number % 30);
      return device.sync(device.mark);
    case "edit":
      return device.change(server.edit(number, `edited ${number}`));
    case "delete":
      return device.delete(server.delete(number));
    case "clear":
      return device.clear();
    case "latest":
      return void window.loadLatest();
    case "older":
      return void window.loadOlder(1 + (number % 60));
    case "newer":
      return void window.loadNewer(1 + (number % 60));
    case "around":
      return void window.loadAround({ seq: 1 + (number % (server.maxSeq + 1)) });
    case "refresh":
      return void window.refresh();
  }
}

describe("a window, whatever is loaded and pushed in whatever order", { timeout: 60_000 }, () => {
  it("is ascending without repeats, and shows all that is there between its ends", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 150 }),
        fc.array(deed, { maxLength: 40 }),
        fc.scheduler(),
        fc.boolean(),
        async (count, deeds, scheduler, isOtherTab) => {
          let isHeld = false;
          const later = <T>(read: Promise<T>): Promise<T> => (isHeld ? scheduler.schedule(read) : read);
          const device = new Device(later, isOtherTab ? () => later(Promise.resolve()) : null);
          await device.begin(count);
          await device.told;
          const window = device.view.openWindow(ID);
          window.onChange(() => checkOrder(window.items));
          isHeld = true;
          void window.loadLatest();
          for (const one of deeds) {
            await perform(device, window, one);
            for (let answers = one[2]; answers > 0 && scheduler.count() > 0; answers--) await scheduler.waitOne();
          }
          isHeld = false;
          await scheduler.waitIdle();
          await device.told;
          await window.refresh();
          checkOrder(window.items);
          checkAgainst(device.server, window);
          for (let pages = 0; window.hasNewer && pages < 500; pages++) await window.loadNewer();
          for (let pages = 0; window.hasOlder && pages < 500; pages++) await window.loadOlder();
          checkAgainst(device.server, window);
          expect(window.hasNewer || window.hasOlder).toBe(false);
        },
      ),
      { numRuns: 500, seed: 20_261_122 },
    );
  });

  it("keeps what was loaded of the past when the store is read again, and when its end was replaced", async () => {
    const device = new Device((read) => read);
    await device.begin(200);
    const window = device.view.openWindow(ID);
    await window.loadLatest();
    while (window.hasOlder) await window.loadOlder();
    await device.view.read();
    await window.refresh();
    expect(window.items).toHaveLength(200);
    device.server.add(15);
    await device.sync(0);
    await window.refresh();
    expect(window.items).toHaveLength(215);
    checkAgainst(device.server, window);
  });

  it("is told by nothing any more once it is closed", async () => {
    const device = new Device((read) => read);
    await device.begin(30);
    const window = device.view.openWindow(ID);
    await window.loadLatest();
    let changes = 0;
    window.onChange(() => changes++);
    const loading = window.loadOlder();
    window.close();
    changes = 0;
    await loading;
    await device.push();
    expect(changes).toBe(0);
    expect(device.view.windows.size).toBe(0);
  });

  it("stays as it was when the server is needed and not there, and can load again", async () => {
    let isThere = true;
    const device = new Device((read) => (isThere ? read : Promise.reject(new Error("away"))));
    await device.begin(100);
    const window = device.view.openWindow(ID);
    await window.loadLatest();
    const { items } = window;
    isThere = false;
    await expect(window.loadOlder()).rejects.toThrow("away");
    expect(window.items).toEqual(items);
    expect(window.loading).toBeNull();
    isThere = true;
    await window.loadOlder();
    expect(window.items.length).toBeGreaterThan(items.length);
  });
});
