// Small helpers for the DOM, typed.

type Props<K extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[K], "style" | "dataset" | "classList">
> & {
  readonly attr?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
};

export type Child = Node | string | number | null | undefined | false;

/** An element with properties and children: h("button", { type: "button", onclick }, "Start"). */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props<K> = {},
  ...children: readonly (Child | readonly Child[])[]
): HTMLElementTagNameMap[K] {
  const { attr = {}, data = {}, ...rest } = props;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attr)) element.setAttribute(name, value);
  Object.assign(element.dataset, data);
  const shown = (children.flat() as Child[]).filter(isShown);
  element.append(...shown.map((c) => (typeof c === "number" ? String(c) : c)));
  return element;
}

const isShown = (child: Child): child is Node | string | number =>
  child !== null && child !== undefined && child !== false;

/** The element with this id. Throws if it is missing or not of the class. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`page: no ${type.name} with the id ${id}`);
  return element;
}

let hadFocus: Element | null = null;

/** Switches controls on or off. A browser takes the focus from what is off; it comes back with the control, unless it has gone elsewhere. */
export function enable(on: boolean, ...controls: readonly (HTMLButtonElement | HTMLSelectElement)[]): void {
  for (const control of controls) {
    if (!on && document.activeElement === control) hadFocus = control;
    control.disabled = !on;
    if (!on || hadFocus !== control) continue;
    hadFocus = null;
    if (document.activeElement === document.body) control.focus({ preventScroll: true });
  }
}

/** A button that copies a text. Where the browser does not let it, it says so. */
export function copyButton(text: () => string, props: { readonly id?: string; readonly className?: string } = {}) {
  const button = h("button", { ...props, type: "button" }, "Copy");
  button.onclick = async () => {
    const copied = await navigator.clipboard?.writeText(text()).then(
      () => true,
      () => false,
    );
    button.textContent = copied ? "Copied" : "The browser does not let it";
  };
  return button;
}

/** A canvas of css pixels `width`×`height`, drawn at the screen's resolution, with a label for those who do not see it. */
export function canvas(width: number, height: number, label: string): HTMLCanvasElement {
  const scale = Math.min(window.devicePixelRatio || 1, 3);
  const element = h("canvas", {
    ...{ width: Math.round(width * scale), height: Math.round(height * scale) },
    attr: { role: "img", "aria-label": label },
  });
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  return element;
}

/** What waits for a frame, in order: one a frame, so that no frame is long. */
const waiting = new Set<() => void>();

function nextFrame(): void {
  const [job] = waiting;
  waiting.delete(job!);
  if (waiting.size) requestAnimationFrame(nextFrame);
  job!();
}

/** Calls `f` at a frame of its own, soon, once however often it was asked for. */
export function atFrame(f: () => void): () => void {
  const job = () => f();
  return () => {
    if (waiting.has(job)) return;
    waiting.add(job);
    if (waiting.size === 1) requestAnimationFrame(nextFrame);
  };
}

/** Resolves at a frame of its own: the rest of a long drawing. */
export const ownFrame = (): Promise<void> => new Promise((resolve) => atFrame(resolve)());
