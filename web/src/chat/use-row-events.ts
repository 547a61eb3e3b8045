import type { LocalMessage } from "@moleculer-im/client";
import type { Anchor } from "./context.ts";

const LONG_PRESS_MS = 500;
const MOVED_PX = 10;

/** Listeners of the list for all of its rows, so that a row has none of its own. */
export interface RowEvents {
  pointed(event: Event): void;
  click(event: MouseEvent): void;
  contextmenu(event: MouseEvent): void;
  touchstart(event: TouchEvent): void;
  touchmove(event: TouchEvent): void;
  touchend(): void;
  keydown(event: KeyboardEvent): void;
}

interface Listening {
  /** The message whose row holds an element. */
  readonly find: (key: string) => LocalMessage | null;
  /** A row is pointed at, or has the focus; null: none. */
  readonly point: (key: string | null, isFocus: boolean) => void;
  /** A row was clicked, beside what can be clicked in it. */
  readonly choose: (message: LocalMessage) => void;
  readonly openMenu: (message: LocalMessage, at: Anchor) => void;
  /** To the row before or behind the one with this key. */
  readonly move: (key: string, by: -1 | 1) => void;
}

const rowOf = (event: Event): HTMLElement | null =>
  event.target instanceof Element ? event.target.closest<HTMLElement>("[data-key]") : null;

const hasSelection = (): boolean => (getSelection()?.toString() ?? "") !== "";
/** Where the browser's own menu has more to offer. */
const wantsOwnMenu = ({ target }: Event): boolean =>
  hasSelection() || (target instanceof Element && target.closest("a") !== null);

export function rowEvents({ find, point, choose, openMenu, move }: Listening): RowEvents {
  let press: ReturnType<typeof setTimeout> | null = null;
  let start = { x: 0, y: 0 };

  function open(event: Event, at: Anchor): boolean {
    const message = find(rowOf(event)?.dataset["key"] ?? "");
    if (message) openMenu(message, at);
    return message !== null;
  }
  function endPress(): void {
    if (press !== null) clearTimeout(press);
    press = null;
  }

  return {
    pointed: (event) => point(rowOf(event)?.dataset["key"] ?? null, event.type === "focusin"),
    click(event) {
      if (event.target instanceof Element && event.target.closest("a, button")) return;
      const message = find(rowOf(event)?.dataset["key"] ?? "");
      if (message) choose(message);
    },
    contextmenu(event) {
      if (wantsOwnMenu(event)) return;
      if (open(event, { x: event.clientX, y: event.clientY })) event.preventDefault();
    },
    touchstart(event) {
      endPress();
      const [touch] = event.touches;
      if (!touch || event.touches.length > 1) return;
      start = { x: touch.clientX, y: touch.clientY };
      press = setTimeout(() => void open(event, start), LONG_PRESS_MS);
    },
    touchmove({ touches: [touch] }) {
      if (touch && Math.hypot(touch.clientX - start.x, touch.clientY - start.y) > MOVED_PX) endPress();
    },
    touchend: endPress,
    keydown(event) {
      const row = rowOf(event);
      if (!row || event.target !== row) return;
      if (event.key === "ArrowUp" || event.key === "ArrowDown") move(row.dataset["key"] ?? "", event.key === "ArrowUp" ? -1 : 1);
      else if (event.key === "Enter") open(event, row);
      else return;
      event.preventDefault();
    },
  };
}
