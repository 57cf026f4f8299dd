// The theme: the system's, light or dark, remembered; and its colours for what is drawn on a canvas.

export type ColorName =
  | "page" | "card" | "sunk" | "text" | "muted" | "line" | "accent" | "accent-soft" | "second" | "good" | "bad" | "warn"; // biome-ignore format: one line

/** Those that were asked for: asking the style anew has the whole page's computed, time and again while it changes. */
const known = new Map<ColorName, string>();

/** A colour of style.css as the theme has it now. */
export function color(name: ColorName): string {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    known.set(name, value);
  }
  return value;
}

export type Rgb = readonly [number, number, number];

/** A colour of the theme, 0 … 255. */
export function rgb(name: ColorName): Rgb {
  const text = color(name);
  const parts = text.match(/[\d.]+/g)?.map(Number) ?? [];
  const [r = 0, g = 0, b = 0] = text.startsWith("color(") ? parts.slice(-3).map((v) => 255 * v) : parts;
  return [r, g, b];
}

/** Calls `f` whenever colours change, as long as the element is in the page. */
export function onThemeChange(element: HTMLElement, f: () => void): void {
  element.dataset.themed = "";
  element.addEventListener("themechange", f);
}

const changed = () => {
  known.clear();
  for (const element of document.querySelectorAll("[data-themed]")) element.dispatchEvent(new Event("themechange"));
};

const choices = ["system", "light", "dark"] as const;
export type Theme = (typeof choices)[number];

/** The button that goes round system, light and dark. */
export function themeButton(button: HTMLButtonElement): void {
  const root = document.documentElement;
  const show = () => {
    const theme = root.dataset.theme ?? "system";
    button.textContent = { system: "◐", light: "☀", dark: "☾" }[theme as Theme];
    button.setAttribute("aria-label", `Theme: ${theme}`);
    button.title = `Theme: ${theme}`;
  };
  button.onclick = () => {
    const next = choices[(choices.indexOf(root.dataset.theme as Theme) + 1) % choices.length] as Theme;
    root.dataset.theme = next;
    try {
      localStorage.setItem("wgrad-theme", next);
    } catch {} // storage may be blocked: then it lasts as long as the page
    show();
    changed();
  };
  show();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
