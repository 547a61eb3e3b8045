import { h, type FunctionalComponent } from "vue";

const CIRCLE = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18";

/** Strokes in a square of 24. */
const STROKES = {
  alert: `${CIRCLE}M12 7.5V13M12 16.5v.01`,
  at: "M15.5 12a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0M15.5 9v4.5a2.5 2.5 0 0 0 5 0V12a8.5 8.5 0 1 0-3.5 7",
  bellOff: "M6 16v-5a6 6 0 0 1 9-5.2M18 10v6M4 16h13M10 19a2 2 0 0 0 4 0M3 3l18 18",
  box: "M4 4h16v16H4z",
  boxTicked: "M4 4h16v16H4zM8 12l3 3 5-6",
  call: "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a1 1 0 0 1-1 1A15 15 0 0 1 4 5a1 1 0 0 1 1-1",
  card: "M3 5h18v14H3zM9 9a2 2 0 1 0 0 4 2 2 0 0 0 0-4M5.5 16.5a3.5 3.5 0 0 1 7 0M15 10h3M15 13h3",
  chats: "M4 5h16v11H9l-5 4z",
  check: "M5 13l4 4L19 7",
  checks: "M2 13l4 4L16 7M12 16l1 1L23 7",
  clock: `${CIRCLE}M12 7v5l3 2`,
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  down: "M6 9l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  flame: "M12 3c1 4 5 5 5 10a5 5 0 0 1-10 0c0-2 1-3 2-4 0 2 1 3 2 3 1-2-1-5 1-9",
  forward: "M15 7l5 5-5 5M20 12H10a6 6 0 0 0-6 6v1",
  group: "M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M2 20a7 7 0 0 1 14 0M16 4.5a4 4 0 0 1 0 7M18 14a7 7 0 0 1 4 6",
  horn: "M4 10v4h3l7 4V6l-7 4zM17 9a4 4 0 0 1 0 6",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15 9v.01",
  info: `${CIRCLE}M12 11v6M12 7.5v.01`,
  left: "M15 6l-6 6 6 6",
  markdown: "M3 18V6l5 6 5-6v12M19 7v9M16 13.5 19 16.5l3-3",
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3M5 11a7 7 0 0 0 14 0M12 18v3",
  more: "M5 11a1 1 0 1 0 .01 0M12 11a1 1 0 1 0 .01 0M19 11a1 1 0 1 0 .01 0",
  newChat: "M4 5h16v11H9l-5 4zM12 8v5M9.5 10.5h5",
  pin: "M9 3h6l-1 7 3 3v2H7v-2l3-3zM12 15v6",
  place: "M12 21s-7-6-7-11a7 7 0 0 1 14 0c0 5-7 11-7 11M12 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  question: `${CIRCLE}M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17v.01`,
  refresh: "M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5",
  reply: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6v1",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  send: "M4 12 20 4l-4 16-4-7z",
  smile: `${CIRCLE}M8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5v.01M15 9.5v.01`,
  thread: "M4 5h16v10H10l-4 4v-4H4zM8 10h8",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  undo: "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12H9",
  up: "M6 15l6-6 6 6",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4 20a8 8 0 0 1 16 0",
  video: "M3 7h12v10H3zM15 11l6-4v10l-6-4",
} as const;

export type IconName = keyof typeof STROKES;

/** A drawing in the colour of the text, which says nothing to screen readers. `size` in pixels, 20 unless given. */
export const ChatIcon: FunctionalComponent<{ name: IconName; size?: number }> = ({ name, size = 20 }) =>
  h("svg", { class: "chat-icon", viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true" }, [
    h("path", { d: STROKES[name] }),
  ]);
ChatIcon.props = ["name", "size"];
