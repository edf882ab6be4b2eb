// Colours whose contrast is computed, not hoped for (WCAG 2.2: relative luminance and contrast
// ratio).
type Rgb = [number, number, number];

export const parse = (hex: string): Rgb =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
const write = (rgb: Rgb) =>
  `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast ratio of two colours (#rrggbb), 1 to 21. */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(parse(one)), luminance(parse(other))].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * `colour` mixed with black or white in the smallest of 50 steps that gives `ratio` on every one of
 * `grounds`.
 */
export function readable(colour: string, grounds: string[], ratio: number): string {
  const toward = luminance(parse(grounds[0])) > 0.18 ? 0 : 255;
  for (let step = 0; step <= 50; step++) {
    const mixed = write(parse(colour).map((part) => part + ((toward - part) * step) / 50) as Rgb);
    if (grounds.every((ground) => contrast(mixed, ground) >= ratio)) return mixed;
  }
  return toward ? "#ffffff" : "#000000";
}

/** `share` of `colour` over `ground`. */
export const tint = (colour: string, ground: string, share: number): string =>
  write(parse(ground).map((part, at) => part + (parse(colour)[at] - part) * share) as Rgb);

/**
 * Fixed surfaces and inks of both themes; everything that carries the brand is computed from them.
 */
const THEMES = {
  light: {
    surface: "#ffffff",
    ground: "#f7f6f3",
    ink: "#1c2529",
    dim: "#535f66",
    line: "#d8d5cd",
    field: "#7d888e",
    note: "#fdf3e4",
    "note-ink": "#6d3a08",
    alarm: "#b3121f",
    "alarm-on": "#ffffff",
    "alarm-paper": "#fdeff0",
    "alarm-ink": "#5f0a12",
    warn: "#9a4a06",
    "warn-on": "#ffffff",
    "warn-paper": "#fdf3e4",
    "warn-ink": "#5d2d04",
  },
  dark: {
    surface: "#1e2529",
    ground: "#151a1d",
    ink: "#e9edef",
    dim: "#a9b4ba",
    line: "#3a454b",
    field: "#84919a",
    note: "#33291b",
    "note-ink": "#f4cf9c",
    alarm: "#ff9aa2",
    "alarm-on": "#2b0508",
    "alarm-paper": "#3a171b",
    "alarm-ink": "#ffdde0",
    warn: "#f5b872",
    "warn-on": "#2a1702",
    "warn-paper": "#33291b",
    "warn-ink": "#fbe3c4",
  },
};

/**
 * The custom properties of one theme for a brand colour: text at 4.5 : 1 on every ground it stands
 * on, filled areas at 3 : 1.
 */
export function palette(theme: keyof typeof THEMES, brand: string): Record<string, string> {
  const fixed = THEMES[theme];
  const grounds = [fixed.surface, fixed.ground];
  const soft = tint(brand, fixed.surface, theme === "light" ? 0.08 : 0.16);
  const fill = readable(brand, grounds, 3);
  const on = contrast("#ffffff", fill) >= contrast("#000000", fill) ? "#ffffff" : "#000000";
  return {
    ...fixed,
    soft,
    fill,
    on,
    dim: readable(fixed.dim, [...grounds, soft], 4.5),
    brand: readable(brand, [...grounds, soft], 4.5),
  };
}

/**
 * The style sheet that sets both palettes: by the page's `data-theme`, else by what the visitor's
 * device prefers.
 */
export function themes(brand: string): string {
  const rules = (theme: keyof typeof THEMES) =>
    Object.entries(palette(theme, brand))
      .map(([name, value]) => `--${name}:${value}`)
      .join(";");
  return (
    `.panel{color-scheme:light;${rules("light")}}` +
    "@media(prefers-color-scheme:dark){:host(:not([data-theme=light])) .panel{" +
    `color-scheme:dark;${rules("dark")}}}` +
    `:host([data-theme=dark]) .panel{color-scheme:dark;${rules("dark")}}`
  );
}
