// Note: pooling.
import { checkGradients, grad, type Tensor } from "wgrad";
import { errorBanner } from "../../common/banner.ts";
import { h } from "../../common/dom.ts";
import { relativeDifference } from "../checks.ts";
import { button, choice, controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import { type Picture, picture } from "../matrix.ts";
import type { Note } from "../note.ts";
import { Random } from "../random.ts";

const side = 6;

type Kind = "max" | "average";
type Inputs = Record<"x" | "delta", Tensor>;

const random = new Random(21);

/** Numbers no two of which are near each other: the greatest of a window is never in doubt. */
function numbers(): number[] {
  const list = Array.from({ length: side * side }, (_, i) => ((i % 2 ? -1 : 1) * Math.round(20 * 1.12 ** i)) / 100);
  return list
    .map((v) => ({ v, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ v }) => v / 5);
}

export const pooling: Note = {
  id: "pooling",
  title: "Pooling",
  text: [
    "Pooling makes an image smaller: of each window of $p\\times p$ only the greatest value stays, or the mean. It has no weights.",
    "$$z_{ij} = \\max_{u,v<p} a_{si+u,\\,sj+v} \\qquad z_{ij} = \\frac1{p^2}\\sum_{u,v<p} a_{si+u,\\,sj+v}$$",
    "Backwards, max-pooling hands all of δ to the one that won, and nothing to the others; average pooling gives everyone the same share. Where windows overlap, shares add up.",
    "A convolution, its bias, its bend and its pooling make one kernel, which notes who won: the way back is a look-up.",
  ],
  async mount({ device, checks, add }) {
    let kind: Kind = "max";
    let [window, stride] = [2, 2];
    let x = numbers();
    const place = h("div", { className: "conv" });
    const outputSide = () => Math.floor((side - window) / stride) + 1;
    const looked = (cell: number | null): number[] => {
      if (cell === null) return [];
      const [i, j] = [Math.floor(cell / outputSide()), cell % outputSide()];
      return Array.from(
        { length: window ** 2 },
        (_, t) => (stride * i + Math.floor(t / window)) * side + stride * j + (t % window),
      );
    };
    const input = picture({ label: "$a$", name: "the input", rows: side, cols: side, cell: 40, digits: 1 });
    const backward = picture({
      label: "$\\d C/\\d a$, for $\\delta = 1$ everywhere",
      name: "gradient of the input",
      rows: side,
      cols: side,
      cell: 40,
    });
    let output: Picture;

    const pool = (x: Tensor) => (kind === "max" ? x.maxPool2d(window, { stride }) : x.avgPool2d(window, { stride }));
    const f = ({ x, delta }: Inputs) => {
      const z = pool(x);
      const dx = grad(z.mul(delta).sum(), [x])[0] as Tensor;
      return { z, dx, total: dx.sum(), given: delta.sum() };
    };
    /** Makes a picture for the output, and gives the inputs. */
    const prepare = () => {
      const size = outputSide();
      output = picture({
        ...{ label: `$z$: $${size}\\times ${size}$`, name: "the output", rows: size, cols: size, cell: 40, digits: 1 },
        onPoint: (c) => input.mark(looked(c)),
      });
      place.replaceChildren(input.element, output.element, backward.element);
      return { x: array([1, side, side, 1], x), delta: array([1, size, size, 1], () => 1) };
    };
    const live = new Live(device, f, prepare(), (o) => {
      input.set(x);
      output.set(o.z);
      backward.set(o.dx);
      checks.soon(() => [
        {
          kind: "differences",
          check: checkGradients((x, delta) => pool(x!).mul(delta!).sum(), [live.values.x, live.values.delta], {
            wrt: [0],
          }),
        },
        {
          kind: "equal",
          label: "nothing is lost: the shares add up to all of δ",
          error: relativeDifference(o.total, o.given),
        },
      ]);
    });
    const restart = () => void live.start(prepare()).catch(errorBanner);
    await live.start();
    const change = (f: () => void) => {
      f();
      restart();
    };
    add(
      controls(
        choice<Kind>(
          "keep the",
          [
            ["max", "greatest"],
            ["average", "mean"],
          ],
          kind,
          (v) => change(() => (kind = v)),
        ),
        slider({
          ...{ label: "window $p$", name: "window", min: 2, max: 3, step: 1, value: window, format: String },
          onInput: (v) => change(() => (window = v)),
        }).element,
        slider({
          ...{ label: "stride $s$", name: "stride", min: 1, max: 3, step: 1, value: stride, format: String },
          onInput: (v) => change(() => (stride = v)),
        }).element,
        button("Other numbers", () => {
          x = numbers();
          live.set({ x: array([1, side, side, 1], x) });
        }),
      ),
      place,
    );
  },
};
