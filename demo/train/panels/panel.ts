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

/** Looks take at most this share of the time. */
const share = 0.2;
/** Milliseconds between two looks of a panel, at least. */
const least = 700;

export class Looks {
  readonly #run: Run;
  readonly #panels: readonly Panel[];
  readonly #inView = new Set<Element>();
  /** Those that show something. */
  readonly #shown = new Set<Element>();
  readonly #failed = new Set<Element>();
  readonly #observer: IntersectionObserver;
  #due = 0;
  #busy = false;
  /** The model has changed since the last look. */
  #stale = false;
  /** It has changed at all: before training has begun nothing is looked at, so that nothing holds its start up. */
  #begun = false;
  #closed = false;
  readonly #shownAgain = () => void this.#look();

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
    document.addEventListener("visibilitychange", this.#shownAgain);
  }

  /** The model has changed; look again when it is due. */
  changed(): void {
    this.#stale = this.#begun = true;
    void this.#look();
  }

  /** Colours have changed. */
  redraw(): void {
    if (this.#begun) this.changed();
  }

  close(): void {
    this.#closed = true;
    this.#observer.disconnect();
    document.removeEventListener("visibilitychange", this.#shownAgain);
  }

  async #look(): Promise<void> {
    const { state } = this.#run;
    if (!this.#begun || this.#busy || this.#closed || document.hidden) return;
    if (state === "preparing" || state === "failed") return;
    if (state === "running" && performance.now() < this.#due) return;
    const due = this.#panels.filter(
      ({ element, always }) =>
        (always || this.#inView.has(element)) &&
        (this.#stale || !this.#shown.has(element)) &&
        !this.#failed.has(element),
    );
    if (due.length === 0) return;
    this.#busy = true;
    this.#stale = false;
    const start = performance.now();
    for (const panel of due) await this.#refresh(panel);
    this.#busy = false;
    const end = performance.now();
    this.#due = end + Math.max(least, ((end - start) * (1 - share)) / share);
    void this.#look(); // at what came into view meanwhile
  }

  async #refresh(panel: Panel): Promise<void> {
    try {
      await panel.refresh();
      this.#shown.add(panel.element);
    } catch (error) {
      if (this.#closed) return; // it was asked of a trainer that is gone
      this.#failed.add(panel.element);
      errorBanner(error, `No look at “${panel.element.querySelector("h3")?.textContent}”`);
    }
  }
}
