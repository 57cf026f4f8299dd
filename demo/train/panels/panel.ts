// What a panel of "See what it learns" is, and the loop that keeps the panels in view up to date without holding training up.
import { errorBanner } from "../../common/banner.ts";
import { type Child, h } from "../../common/dom.ts";
import type { Run } from "../run.ts";

export interface Panel {
  readonly element: HTMLElement;
  /** Takes a look at the model and shows it. */
  refresh(): Promise<void>;
  /** Looks even while it is out of view: what it shows is a history. */
  readonly always?: boolean;
}

/** A card with a title and a sentence that says what one sees. */
export function card(title: string, text: string, ...children: readonly Child[]): HTMLElement {
  return h(
    "section",
    { className: "card" },
    h("h3", {}, title),
    h("p", { className: "small muted" }, text),
    ...children,
  );
}

/** Says what goes wrong with something that was asked for a panel, unless its trainer is gone meanwhile. */
export function attempt(run: Run, element: HTMLElement, work: Promise<unknown>): void {
  work.catch((error) => {
    if (element.isConnected && run.state !== "preparing" && run.state !== "failed") errorBanner(error);
  });
}

/** Looks take at most this share of the time, where they are not long. */
const share = 0.2;
/** Milliseconds between two looks of a panel, at least, and at most: the first ones compile. */
const [least, most] = [700, 4000];

export class Looks {
  readonly #run: Run;
  readonly #panels: readonly Panel[];
  readonly #inView = new Set<Element>();
  readonly #failed = new Set<Panel>();
  readonly #observer: IntersectionObserver;
  readonly #again = () => void this.#look();
  /** Counts changes of the model. Before the first, when training begins, nothing is looked at, so that nothing holds its start up. */
  #version = 0;
  /** The version that a panel shows. */
  readonly #shown = new Map<Panel, number>();
  #due = 0;
  #busy = false;
  #closed = false;

  constructor(run: Run, panels: readonly Panel[]) {
    this.#run = run;
    this.#panels = panels;
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries)
        if (isIntersecting) this.#inView.add(target);
        else this.#inView.delete(target);
      void this.#look();
    });
    for (const { element } of panels) this.#observer.observe(element);
    document.addEventListener("visibilitychange", this.#again);
  }

  /** The model has changed; look again when it is due. */
  changed(): void {
    this.#version++;
    void this.#look();
  }

  /** Colours have changed. */
  redraw(): void {
    if (this.#version > 0) this.changed();
  }

  close(): void {
    this.#closed = true;
    this.#observer.disconnect();
    document.removeEventListener("visibilitychange", this.#again);
  }

  async #look(): Promise<void> {
    const { state } = this.#run;
    if (this.#version === 0 || this.#busy || this.#closed || document.hidden) return;
    if (state === "preparing" || state === "failed") return;
    if (state === "running" && performance.now() < this.#due) return;
    const wanted = this.#panels.filter(
      (panel) =>
        (panel.always || this.#inView.has(panel.element)) &&
        this.#shown.get(panel) !== this.#version &&
        !this.#failed.has(panel),
    );
    if (wanted.length === 0) return;
    this.#busy = true;
    const start = performance.now();
    for (const panel of wanted) await this.#refresh(panel);
    this.#busy = false;
    const end = performance.now();
    this.#due = end + Math.min(most, Math.max(least, ((end - start) * (1 - share)) / share));
    void this.#look(); // at what came into view or changed meanwhile
  }

  async #refresh(panel: Panel): Promise<void> {
    const version = this.#version;
    try {
      await panel.refresh();
      this.#shown.set(panel, version);
    } catch (error) {
      if (this.#closed) return; // it was asked of a trainer that is gone
      this.#failed.add(panel);
      errorBanner(error, `No look at “${panel.element.querySelector("h3, figcaption")?.textContent}”`);
    }
  }
}
