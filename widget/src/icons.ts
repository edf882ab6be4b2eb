// Line icons on a 24 by 24 grid; decorative, the words beside them carry the meaning.
import { svg, type TemplateResult } from "lit/html.js";

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  more: "M4 7h16M4 12h16M4 17h16",
  phone:
    "M6 3h3l2 5-2.5 1.5a12 12 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z",
  send: "M4 12h15M13 6l6 6-6 6",
  up: "M7 11v9H4v-9zM7 11l4-8a2.5 2.5 0 0 1 2.5 2.5V9h5.2a2 2 0 0 1 2 2.4l-1.4 7a2 2 0 0 1-2 1.6H7",
  down:
    "M17 13V4h3v9zM17 13l-4 8a2.5 2.5 0 0 1-2.5-2.5V15" +
    "H5.3a2 2 0 0 1-2-2.4l1.4-7a2 2 0 0 1 2-1.6H17",
  alert: "M12 3l10 18H2zM12 10v5M12 18h.01",
  info: "M12 11v6M12 7h.01M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0",
  heart: "M12 20s-8-5-8-11a4.5 4.5 0 0 1 8-2.5A4.5 4.5 0 0 1 20 9c0 6-8 11-8 11z",
  leaf: "M5 19C4 9 10 4 20 4c0 10-5 16-15 15zM5 19c3-5 6-8 10-10",
  back: "M19 12H5M11 6l-6 6 6 6",
  again: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  mail: "M3 6h18v12H3zM3 7l9 6 9-6",
  date: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  chat: "M4 5h16v11H11l-5 4v-4H4z",
};

export const icon = (name: keyof typeof PATHS): TemplateResult =>
  svg`<svg viewBox="0 0 24 24" aria-hidden="true" class="icon-${name}"><path
    d=${PATHS[name]}></path></svg>`;
