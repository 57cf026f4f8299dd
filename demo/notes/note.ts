// A note: text with formulas on one side, on the other a computation that lives, and below it what checks it.
import type { Device } from "wgrad";
import { type Child, h } from "../common/dom.ts";
import { Checks } from "./checks.ts";
import { inline, prose } from "./prose.ts";

export interface Note {
  /** In the address, and of its section. */
  readonly id: string;
  readonly title: string;
  readonly text: readonly string[];
  /** What one often reads instead, and what is right. */
  readonly slip?: string;
  /** Makes the computation. */
  readonly mount: (stage: Stage) => Promise<void>;
}

/** Where a note comes to life. */
export interface Stage {
  readonly device: Device;
  readonly checks: Checks;
  /** Adds controls and pictures. */
  add(...children: (Child | readonly Child[])[]): void;
}

/** The note as a section, and what brings it to life on a device. */
export function section(
  note: Note,
  number: number,
): { element: HTMLElement; start: (device: Device) => Promise<void> } {
  const live = h("div", { className: "live" });
  const checks = new Checks();
  const element = h(
    "section",
    { className: "card note", id: note.id, attr: { "aria-labelledby": `${note.id}-title` } },
    h(
      "div",
      { className: "text" },
      h("h2", { id: `${note.id}-title` }, h("span", { className: "number" }, number), note.title),
      prose(note.text),
      note.slip ? h("p", { className: "slip" }, h("b", {}, "Read with care. "), inline(note.slip)) : null,
    ),
    h("div", { className: "side" }, live, checks.element),
  );
  const start = (device: Device) =>
    note.mount({ device, checks, add: (...children) => live.append(...h("div", {}, ...children).childNodes) });
  return { element, start };
}
