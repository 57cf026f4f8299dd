// Note: convolution.
import { checkGradients, concat, grad, type Tensor } from "wgrad";
import { errorBanner } from "../../common/banner.ts";
import { h } from "../../common/dom.ts";
import { relativeDifference } from "../checks.ts";
import { choice, controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import { field, type Picture, picture } from "../matrix.ts";
import type { Note } from "../note.ts";

/** Pixels of a side of the image, and of the filter. */
const [side, k] = [8, 3];

const images = {
  seven: ["........", ".######.", ".....##.", "....##..", "...##...", "..##....", "..##....", "........"],
  cross: ["...##...", "...##...", "...##...", "########", "########", "...##...", "...##...", "...##..."],
  ring: ["........", "..####..", ".##..##.", ".#....#.", ".#....#.", ".##..##.", "..####..", "........"],
  dot: ["........", "........", "........", "...#....", "........", "........", "........", "........"],
} as const;
const pixels = (name: keyof typeof images) => [...images[name].join("")].map((c) => (c === "#" ? 1 : 0));

const filters = {
  edges: [-1, 0, 1, -1, 0, 1, -1, 0, 1],
  outline: [-0.5, -0.5, -0.5, -0.5, 4, -0.5, -0.5, -0.5, -0.5],
  blur: [0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1],
  slant: [0, 0, 1, 0, 1, 0, 1, 0, 0],
} as const;

type Inputs = Record<"x" | "w", Tensor>;

export const convolution: Note = {
  id: "convolution",
  title: "Convolution",
  text: [
    "An eye for images looks everywhere with the same few weights. A filter $\\theta$ of $k\\times k$ slides over the image, $s$ pixels at a time, and each stop gives one output:",
    "$$z_{ij} = \\sum_{u,v} \\theta_{uv}\\; a_{si+u-p,\\;sj+v-p} + \\theta_0$$",
    "With $p$ zeros put round an image of height $H$, the output's height is",
    "$$H' = \\Bigl\\lfloor \\frac{H - k + 2p}{s} \\Bigr\\rfloor + 1$$",
    "A filter's weight has touched many places, so its gradient is a sum over all of them, $\\d C/\\d\\theta_{uv} = \\sum_{ij} \\delta_{ij}\\, a_{si+u-p,\\,sj+v-p}$: again a convolution, of the image with δ. On a GPU it is cut into parts that are added in a second pass, never one thread a weight.",
    "Paint the image. Point at an output to see where it looked.",
  ],
  slip: "The $+1$ of the output's height is easily lost: a filter as large as the image still fits once.",
  async mount({ device, checks, add }) {
    let image: number[] = pixels("seven");
    let filter: number[] = [...filters.edges];
    let [stride, padding] = [1, 0];
    let ink = 1;
    const place = h("div", { className: "conv" });
    const formula = h("p", { className: "numbers", attr: { "aria-live": "polite" } });
    const looked = (cell: number | null): number[] => {
      if (cell === null) return [];
      const size = outputSide();
      const [i, j] = [Math.floor(cell / size), cell % size];
      return Array.from(
        { length: k * k },
        (_, t) => [stride * i + Math.floor(t / k) - padding, stride * j + (t % k) - padding] as const,
      )
        .filter(([r, c]) => r >= 0 && c >= 0 && r < side && c < side)
        .map(([r, c]) => r * side + c);
    };
    const outputSide = () => Math.floor((side - k + 2 * padding) / stride) + 1;
    const input = picture({
      ...{
        label: "$a$, the image: paint it",
        name: "the image",
        rows: side,
        cols: side,
        cell: 26,
        digits: null,
        scale: 1,
      },
      onPaint(cell, first) {
        if (first) ink = image[cell] ? 0 : 1;
        image = image.map((v, i) => (i === cell ? ink : v));
        input.set(image);
        live.set({ x: array([1, side, side, 1], image) });
      },
    });
    const weights = field({
      ...{ label: "$\\theta$, the filter", name: "the filter", rows: k, cols: k, values: filter, step: 0.25 },
      onChange(values) {
        filter = values;
        live.set({ w: array([k, k, 1, 1], values) });
      },
    });
    const gradient = picture({
      label: "$\\d C/\\d\\theta$",
      name: "gradient of the filter",
      rows: k,
      cols: k,
      cell: 48,
      digits: 1,
    });
    const backward = picture({
      label: "$\\d C/\\d a$",
      name: "gradient of the image",
      rows: side,
      cols: side,
      cell: 26,
      digits: null,
    });
    let output: Picture;

    const convolve = ({ x, w }: Inputs) => x.conv2d(w, { stride, padding });
    const cost = (inputs: Inputs) => convolve(inputs).tanh().square().sum().mul(0.5);
    const f = (inputs: Inputs) => {
      const z = convolve(inputs);
      const c = z.tanh().square().sum().mul(0.5);
      const [dw, dx, delta] = grad(c, [inputs.w, inputs.x, z]) as [Tensor, Tensor, Tensor];
      return { z, dw, dx, byFormula: sumOfShifts(inputs.x, delta, stride, padding) };
    };
    /** Makes a picture for the output, and gives the inputs. */
    const prepare = () => {
      const size = outputSide();
      const cell = Math.min(48, Math.floor(250 / size));
      output = picture({
        ...{
          label: `$z$, the output: $${size}\\times ${size}$`,
          name: "the output",
          rows: size,
          cols: size,
          cell,
          digits: cell > 30 ? 1 : null,
        },
        onPoint: (c) => input.mark(looked(c)),
      });
      place.replaceChildren(input.element, weights.element, output.element);
      return { x: array([1, side, side, 1], image), w: array([k, k, 1, 1], filter) };
    };
    const live = new Live(device, f, prepare(), (o) => {
      input.set(image);
      output.set(o.z);
      gradient.set(o.dw);
      backward.set(o.dx);
      const found = Math.sqrt(o.z.length);
      formula.textContent = `⌊(${side} − ${k} + 2·${padding}) / ${stride}⌋ + 1 = ${outputSide()}, and the output is ${found} × ${found}.`;
      checks.soon(() => [
        {
          kind: "differences",
          check: checkGradients((x, w) => cost({ x: x!, w: w! }), [live.values.x, live.values.w]),
        },
        {
          kind: "equal",
          label: "the sum over all places and reverse mode",
          error: relativeDifference(o.byFormula, o.dw),
        },
        { kind: "equal", label: "$H'$ and the output’s height", error: Math.abs(outputSide() - found) },
        { kind: "wrong", label: "$H'$ without its $+1$", error: Math.abs(outputSide() - 1 - found) / found },
      ]);
    });
    const restart = () => void live.start(prepare()).catch(errorBanner);
    await live.start();
    add(
      controls(
        choice(
          "image",
          Object.keys(images).map((name) => [name as keyof typeof images, name] as const),
          "seven",
          (name) => {
            image = pixels(name);
            live.set({ x: array([1, side, side, 1], image) });
          },
        ),
        choice(
          "filter",
          Object.keys(filters).map((name) => [name as keyof typeof filters, name] as const),
          "edges",
          (name) => {
            filter = [...filters[name]];
            weights.set(filter);
            live.set({ w: array([k, k, 1, 1], filter) });
          },
        ),
        slider({
          ...{ label: "stride $s$", name: "stride", min: 1, max: 3, step: 1, value: stride, format: String },
          onInput(v) {
            stride = v;
            restart();
          },
        }).element,
        slider({
          ...{ label: "padding $p$", name: "padding", min: 0, max: 2, step: 1, value: padding, format: String },
          onInput(v) {
            padding = v;
            restart();
          },
        }).element,
      ),
      place,
      formula,
      h("p", {}, "Backwards, for a cost that wants the output to be small:"),
      h("div", { className: "conv" }, gradient.element, backward.element),
    );
  },
};

/** Σ δ_ij a_{si+u−p, sj+v−p} for each u, v, as the formula says: a slice of the padded image for each weight. [k·k] */
function sumOfShifts(x: Tensor, delta: Tensor, stride: number, padding: number): Tensor {
  const [, rows, cols] = delta.shape as [number, number, number];
  const padded = x.pad([0, padding, padding, 0], [0, padding, padding, 0]);
  const terms = Array.from({ length: k * k }, (_, t) => {
    const [u, v] = [Math.floor(t / k), t % k];
    const end = (from: number, n: number) => from + stride * (n - 1) + 1;
    const seen = padded.slice([0, u, v, 0], [1, end(u, rows), end(v, cols), 1], [1, stride, stride, 1]);
    return seen.mul(delta).sum().reshape([1]);
  });
  return concat(terms, 0);
}
