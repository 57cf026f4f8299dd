// Note: gradient descent on a line through points.
import { checkGradients, type DeviceArray, grad, type Tensor } from "wgrad";
import { canvas, h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { color, onThemeChange } from "../../common/theme.ts";
import { relativeDifference } from "../checks.ts";
import { button, controls, signed, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import type { Note } from "../note.ts";
import { Random } from "../random.ts";

const random = new Random(8);
const xs = Array.from({ length: 14 }, () => random.next(-1.2, 1.6));
const ys = xs.map((x) => 0.9 * x - 0.4 + random.next(-0.35, 0.35));

/** The map of costs: weight across, bias down. */
const grid = 72;
const range = { w: [-1.2, 3] as const, b: [-2.2, 1.4] as const };
const wAt = (i: number) => range.w[0] + ((range.w[1] - range.w[0]) * (i + 0.5)) / grid;
const bAt = (i: number) => range.b[1] - ((range.b[1] - range.b[0]) * (i + 0.5)) / grid;

const size = 250;

type Theta = Record<"w" | "b", Tensor>;

export const descent: Note = {
  id: "descent",
  title: "Downhill, step by step",
  text: [
    "The gradient points uphill. A step of *gradient descent* goes the other way, as far as the learning rate α says. Weights and biases may have rates of their own:",
    "$$\\theta_1 \\leftarrow \\theta_1 - \\alpha_1 \\frac{\\d C}{\\d\\theta_1}, \\qquad \\theta_0 \\leftarrow \\theta_0 - \\alpha_0 \\frac{\\d C}{\\d\\theta_0}$$",
    "Here a line $\\hat y = \\theta_1 x + \\theta_0$ is fitted to points. The map shows the cost for every line there could be; each step moves to a better one. Small rates crawl, large ones overshoot, and beyond a limit every step climbs.",
    "On a GPU the parameters are updated where they lie: the update rides on the kernel that makes the gradient. Click the map to start elsewhere.",
  ],
  async mount({ device, checks, add }) {
    let start: readonly [number, number] = [-0.6, 0.9];
    const rates = { w: 0.35, b: 0.35 };
    let path: (readonly [number, number])[] = [start];
    let costs: readonly number[] = [];
    const map = canvas(size, size, "The cost of every line, and the way taken");
    const points = canvas(size, size, "The points and the line");
    map.classList.add("map");
    const status = h("p", { className: "numbers", attr: { "aria-live": "polite" } });
    const data = { x: array([1, xs.length], xs), y: array([1, ys.length], ys) };

    const cost = ({ w, b }: Theta, x: Tensor, y: Tensor) => w.mul(x).add(b).sub(y).square().mean(1).mul(0.5);
    // the cost of every line of the map at once: a line a row
    const all = new Live(
      device,
      ({ w, b, x, y }) => ({ costs: cost({ w, b }, x, y) }),
      {
        ...data,
        w: array([grid * grid, 1], (i) => wAt(i % grid)),
        b: array([grid * grid, 1], (i) => bAt(Math.floor(i / grid))),
      },
      (o) => {
        costs = o.costs;
      },
    );
    await all.start();

    // θ ← θ − α∇C in place: what is carried in comes out as its next value
    const scalar = array([1, 1], [0]);
    const program = await device.compile(
      ({ theta, x, y, rates }) => {
        const { w, b } = theta;
        const [dw, db] = grad(cost(theta, x, y).sum(), [w, b]) as [Tensor, Tensor];
        return { theta: { w: w.sub(dw.mul(rates.w)), b: b.sub(db.mul(rates.b)) } };
      },
      { theta: { w: scalar, b: scalar }, x: data.x, y: data.y, rates: { w: scalar, b: scalar } },
      { carry: ["theta"] },
    );
    const theta = device.put({ w: scalar, b: scalar });
    const inputs = { theta, ...device.put(data), rates: device.put({ w: scalar, b: scalar }) };
    const read = async (a: DeviceArray) => (await a.read()).data[0] as number;

    const look = new Live(
      device,
      ({ w, b, x, y }) => {
        const error = w.mul(x).add(b).sub(y);
        const c = cost({ w, b }, x, y);
        const [dw, db] = grad(c.sum(), [w, b]) as [Tensor, Tensor];
        return { c, dw, db, formulaW: error.mul(x).mean(), formulaB: error.mean() };
      },
      { ...data, w: array([1, 1], [start[0]]), b: array([1, 1], [start[1]]) },
      (o, { w, b, x, y }) => {
        const [slopeW, slopeB] = [o.dw[0] as number, o.db[0] as number];
        status.textContent = `Step ${path.length - 1}: cost ${number(o.c[0] as number)}, slope (${signed(slopeW)}, ${signed(slopeB)}).`;
        checks.soon(() => [
          {
            kind: "differences",
            check: checkGradients((w, b, x, y) => cost({ w: w!, b: b! }, x!, y!), [w, b, x, y], { wrt: [0, 1] }),
          },
          {
            ...{ kind: "equal", label: "the mean of $(\\hat y - y)\\,x$ and of $\\hat y - y$, and reverse mode" },
            error: relativeDifference([...o.formulaW, ...o.formulaB], [slopeW, slopeB]),
          },
        ]);
      },
    );

    await look.start();

    const draw = () => {
      drawMap(map, costs, path);
      drawPoints(points, path.at(-1) as readonly [number, number]);
    };
    const moved = () => {
      const [w, b] = path.at(-1) as readonly [number, number];
      draw();
      look.set({ w: array([1, 1], [w]), b: array([1, 1], [b]) });
    };
    let walking = 0;
    const walk = async (steps: number) => {
      const walk = ++walking;
      inputs.rates.w.write(array([1, 1], [rates.w]));
      inputs.rates.b.write(array([1, 1], [rates.b]));
      for (let i = 0; i < steps && walk === walking; i++) {
        program.run(inputs);
        path.push([await read(theta.w), await read(theta.b)]);
        moved();
        await new Promise(requestAnimationFrame);
      }
    };
    const restart = (at: readonly [number, number]) => {
      walking++;
      start = at;
      path = [at];
      theta.w.write(array([1, 1], [at[0]]));
      theta.b.write(array([1, 1], [at[1]]));
      moved();
    };
    map.addEventListener("pointerdown", (event) => {
      const box = map.getBoundingClientRect();
      const at = (share: number, [low, high]: readonly [number, number]) => low + (high - low) * share;
      restart([
        at((event.clientX - box.left) / box.width, range.w),
        at(1 - (event.clientY - box.top) / box.height, range.b),
      ]);
    });
    onThemeChange(map, draw);
    const rate = (which: "w" | "b", label: string, name: string) =>
      slider({
        ...{ label, name, min: 0, max: 2.4, step: 0.05, value: rates[which] },
        onInput(v) {
          rates[which] = v;
        },
      }).element;
    add(
      controls(
        rate("w", "$\\alpha_1$", "learning rate of the weight"),
        rate("b", "$\\alpha_0$", "learning rate of the bias"),
        h(
          "div",
          { className: "row" },
          button("A step", () => walk(1)),
          button("20 steps", () => walk(20)),
          button("Again", () => restart(start)),
        ),
      ),
      h(
        "div",
        { className: "pair" },
        h("figure", {}, h("figcaption", {}, "Cost over weight and bias"), map),
        h("figure", {}, h("figcaption", {}, "The line"), points),
      ),
      status,
    );
    restart(start);
  },
};

/** The map in shades of the logarithm of the cost, and the path on it. */
function drawMap(map: HTMLCanvasElement, costs: readonly number[], path: readonly (readonly [number, number])[]): void {
  const context = map.getContext("2d") as CanvasRenderingContext2D;
  const scale = map.width / size;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, size, size);
  const logs = costs.map(Math.log);
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const small = new OffscreenCanvas(grid, grid);
  const pixels = small.getContext("2d") as OffscreenCanvasRenderingContext2D;
  pixels.fillStyle = color("accent");
  logs.forEach((v, i) => {
    // in steps, so that lines of equal cost can be seen
    const height = Math.floor((14 * (v - low)) / (high - low)) / 14;
    pixels.globalAlpha = 0.06 + 0.6 * (1 - height) ** 1.5;
    pixels.fillRect(i % grid, Math.floor(i / grid), 1, 1);
  });
  context.drawImage(small, 0, 0, size, size);
  context.strokeStyle = context.fillStyle = color("second");
  context.lineWidth = 2;
  const place = ([w, b]: readonly [number, number]) =>
    [
      (size * (w - range.w[0])) / (range.w[1] - range.w[0]),
      size * (1 - (b - range.b[0]) / (range.b[1] - range.b[0])),
    ] as const;
  context.beginPath();
  for (const p of path) context.lineTo(...place(p));
  context.stroke();
  for (const [i, p] of path.entries()) {
    context.beginPath();
    context.arc(...place(p), i === path.length - 1 ? 5 : 2.5, 0, 7);
    context.fill();
  }
}

function drawPoints(place: HTMLCanvasElement, [w, b]: readonly [number, number]): void {
  const context = place.getContext("2d") as CanvasRenderingContext2D;
  const scale = place.width / size;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, size, size);
  const x = (v: number) => (size * (v + 1.6)) / 3.6;
  const y = (v: number) => size * (1 - (v + 2.2) / 4.4);
  context.strokeStyle = color("line");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x(-9), y(0));
  context.lineTo(x(9), y(0));
  context.moveTo(x(0), y(-9));
  context.lineTo(x(0), y(9));
  context.stroke();
  context.strokeStyle = color("second");
  context.beginPath();
  xs.forEach((v, i) => {
    context.moveTo(x(v), y(ys[i] as number));
    context.lineTo(x(v), y(w * v + b));
  });
  context.stroke();
  context.strokeStyle = context.fillStyle = color("accent");
  context.lineWidth = 2.5;
  context.beginPath();
  context.moveTo(x(-9), y(-9 * w + b));
  context.lineTo(x(9), y(9 * w + b));
  context.stroke();
  xs.forEach((v, i) => {
    context.beginPath();
    context.arc(x(v), y(ys[i] as number), 4, 0, 7);
    context.fill();
  });
}
