// A net as a picture: neurons coloured by activation, weights as lines. A neuron of a layer can be chosen.
import { s } from "../common/svg.ts";
import { signed } from "./controls.ts";

export interface NetView {
  readonly element: SVGSVGElement;
  /** Activations of each layer; weights between layers, row by row, a row for each neuron of the later one. */
  set(activations: readonly (readonly number[])[], weights: readonly (readonly number[])[]): void;
  /** Neurons count from the first that is no input. */
  choose(neuron: number): void;
}

const [width, step, radius] = [420, 52, 19];

export function netView(sizes: readonly number[], onChoose: (neuron: number) => void): NetView {
  const height = step * Math.max(...sizes);
  const at = (layer: number, i: number) => ({
    x: 40 + ((width - 80) * layer) / (sizes.length - 1),
    y: height / 2 + step * (i - ((sizes[layer] as number) - 1) / 2),
  });
  const edges = sizes.slice(1).map((n, l) =>
    Array.from({ length: n }, (_, to) =>
      Array.from({ length: sizes[l] as number }, (_, from) => {
        const [a, b] = [at(l, from), at(l + 1, to)];
        return s("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y });
      }),
    ),
  );
  let number = 0;
  const neurons = sizes.map((n, l) =>
    Array.from({ length: n }, (_, i) => {
      const { x, y } = at(l, i);
      const under = s("circle", { cx: x, cy: y, r: radius, class: "under" });
      const disc = s("circle", { cx: x, cy: y, r: radius });
      const text = s("text", { x, y: y + 4, "text-anchor": "middle" });
      const group = s("g", { class: "neuron" }, under, disc, text);
      const k = l === 0 ? null : number++;
      if (k !== null) {
        group.setAttribute("role", "button");
        group.setAttribute("tabindex", "0");
        group.addEventListener("click", () => onChoose(k));
        group.addEventListener("pointerenter", () => onChoose(k));
        group.addEventListener("focus", () => onChoose(k));
      }
      return { group, disc, text, incoming: l === 0 ? [] : (edges[l - 1]?.[i] ?? []) };
    }),
  );
  const element = s(
    "svg",
    {
      class: "net",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "group",
      "aria-label": `A net of ${sizes.join(", ")} neurons`,
    },
    ...edges.flat(2),
    ...neurons.flat().map((n) => n.group),
  );
  return {
    element,
    set(activations, weights) {
      neurons.forEach((layer, l) => {
        layer.forEach(({ group, disc, text }, i) => {
          const v = activations[l]?.[i] as number;
          disc.setAttribute("class", v < 0 ? "minus" : "plus");
          disc.style.fillOpacity = String(0.55 * Math.min(1, Math.abs(v)));
          text.textContent = signed(v);
          if (l > 0) group.setAttribute("aria-label", `${signed(v)}, neuron ${i + 1} of layer ${l}`);
        });
      });
      edges.forEach((rows, l) => {
        rows.forEach((row, to) => {
          row.forEach((line, from) => {
            const w = weights[l]?.[to * row.length + from] as number;
            line.setAttribute("class", w < 0 ? "minus" : "plus");
            line.setAttribute("stroke-width", String(0.5 + 3.5 * Math.min(1, Math.abs(w))));
          });
        });
      });
    },
    choose(neuron) {
      const inner = neurons.slice(1).flat();
      inner.forEach(({ group, incoming }, i) => {
        group.classList.toggle("chosen", i === neuron);
        for (const line of incoming) line.style.opacity = i === neuron ? "1" : "0.3";
      });
    },
  };
}
