// What a panel of "See what it learns" is, and the loop that keeps the panels in view up to date without holding training up.
import { type Child, h } from "../../common/dom.ts";
import type { Run } from "../run.ts";

export interface Panel {
  readonly element: HTMLElement;
  /** Takes a look at the model and shows it. */
  refresh(): Promise<void>;
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

/** Looks take at most this share of the time. */
const share = 0.2;
/** Milliseconds between two looks of a panel, at least. */
const least = 700;

export class Looks {
  readonly #run: Run;
  readonly #panels: readonly Panel[];
  readonly #inView = new Set<Element>();
  readonly #observer: IntersectionObserver;
  #due = 0;
  #busy = false;
  #stale = true;
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
  }

  /** The model has changed; look again when it is due. */
  changed(): void {
    this.#stale = true;
    void this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#observer.disconnect();
  }

  async #look(): Promise<void> {
    const training = this.#run.state === "running";
    if (this.#busy || this.#closed || document.hidden || (training && performance.now() < this.#due)) return;
    if (this.#run.state === "preparing" || this.#run.state === "failed") return;
    const seen = this.#panels.filter(
      ({ element }) => this.#inView.has(element) && (this.#stale || !this.#shown.has(element)),
    );
    if (seen.length === 0) return;
    this.#busy = true;
    this.#stale = false;
    const start = performance.now();
    try {
      for (const panel of seen) {
        await panel.refresh();
        this.#shown.add(panel.element);
      }
    } catch {
      this.#stale = true; // the trainer was replaced or its device lost: the run says so, and the next change looks again
    } finally {
      this.#busy = false;
      const end = performance.now();
      this.#due = end + Math.max(least, ((end - start) * (1 - share)) / share);
    }
    if (this.#stale && !training) void this.#look();
  }

  /** Panels that show something. */
  readonly #shown = new Set<Element>();
}
