// Where the time goes, and where the memory: a line of time of the dispatches, and the slots that temporaries share.
import { h } from "../common/dom.ts";
import { bytes, duration, number, percent } from "../common/format.ts";
import { s } from "../common/svg.ts";
import type { Description } from "./describe.ts";
import { scroll } from "./kernelPanel.ts";
import type { Timing } from "./worker.ts";

/** Each dispatch as a bar from where it starts to where it ends. */
export function timeline({ dispatches }: Description, timing: Timing, onSelect: (i: number) => void): HTMLElement {
  const total = timing.microseconds.reduce((a, b) => a + b, 0);
  let at = 0;
  const rows = dispatches.map(({ label }, i) => {
    const time = timing.microseconds[i] as number;
    const bar = h("span", { className: "bar" });
    bar.style.left = `${(100 * at) / total}%`;
    bar.style.width = `${Math.max(0.3, (100 * time) / total)}%`;
    at += time;
    const rates = `${number(timing.gflops[i] as number)} GFLOP/s, ${number(timing.gigabytesPerSecond[i] as number)} GB/s`;
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", title: rates, onclick: () => onSelect(i) },
        h("span", { className: "which" }, `${i}  ${label}`),
        h("span", { className: "track" }, bar),
        h("span", { className: "time" }, duration(time / 1e6)),
        h("span", { className: "share" }, percent(time / total)),
      ),
    );
  });
  const method =
    timing.method === "timestamps"
      ? "By timestamps that the GPU writes round each dispatch; medians."
      : "By repetition: this device has no timestamps; medians.";
  const save = h("button", { type: "button" }, "Save as a trace");
  save.title = "For ui.perfetto.dev";
  save.onclick = () => {
    const url = URL.createObjectURL(new Blob([timing.trace], { type: "application/json" }));
    h("a", { href: url, download: "wgrad-trace.json" }).click();
    URL.revokeObjectURL(url);
  };
  return h(
    "section",
    { className: "card", attr: { "aria-label": "Time" } },
    h("div", { className: "row between" }, h("h2", {}, `Time: ${duration(total / 1e6)} in all`), save),
    h("p", { className: "muted" }, method),
    h("ol", { className: "timeline" }, rows),
  );
}

const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

const cell = { width: 76, height: 26 };

/** Slots as rows, dispatches as columns: a bar is a temporary's life. */
export function memoryPanel({ slots, dispatches }: Description): HTMLElement | null {
  if (slots.length === 0) return null;
  const left = 118;
  const columns = Math.max(16, Math.min(cell.width, 900 / dispatches.length));
  const [width, height] = [left + columns * dispatches.length, cell.height * slots.length + 22];
  const count = slots.reduce((n, slot) => n + slot.lives.length, 0);
  const apart = slots.reduce((n, slot) => n + slot.lives.reduce((m, life) => m + life.bytes, 0), 0);
  const shared = slots.reduce((n, slot) => n + slot.bytes, 0);
  const bars = slots.flatMap(({ bytes: size, lives }, row) => {
    const y = row * cell.height;
    return [
      s("text", { x: 0, y: y + 17, class: "axis" }, `slot ${row}, ${bytes(size)}`),
      s("line", { x1: left, x2: width, y1: y + cell.height - 1, y2: y + cell.height - 1 }),
      ...lives.map(({ name, first, last, bytes: used }) => {
        const w = columns * (last - first + 1) - 3;
        const title = `${name}: ${bytes(used)}, dispatches ${first} to ${last}`;
        const x = left + columns * first + 1;
        const rect = s("rect", { x, y: y + 3, width: w, height: cell.height - 7, rx: 5 }, s("title", {}, title));
        const fits = w > 7 * name.length + 8;
        return s("g", { class: "life" }, rect, ...(fits ? [s("text", { x: x + 6, y: y + 17 }, name)] : []));
      }),
    ];
  });
  const ticks = dispatches.flatMap((_, i) =>
    i % Math.ceil(24 / columns) === 0
      ? [s("text", { x: left + columns * (i + 0.5), y: height - 4, class: "axis", "text-anchor": "middle" }, String(i))]
      : [],
  );
  const temporaries = `${counted(count, "temporary", "temporaries")} in ${counted(slots.length, "slot")}`;
  const label = `${temporaries} over ${counted(dispatches.length, "dispatch", "dispatches")}`;
  return h(
    "section",
    { className: "card", attr: { "aria-label": "Memory" } },
    h("h2", {}, `Memory: ${bytes(shared)} for what would take ${bytes(apart)}`),
    h(
      "p",
      { className: "muted" },
      `${temporaries}: a bar reaches from the dispatch that writes one to the last that reads it.`,
    ),
    scroll(
      "Memory slots",
      s(
        "svg",
        { class: "memory", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
        ...bars,
        s("text", { x: 0, y: height - 4, class: "axis" }, "dispatch"),
        ...ticks,
      ),
    ),
  );
}
