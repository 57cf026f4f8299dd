// Histograms of each parameter and of its gradient.
import { canvas, h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { type ColorName, color } from "../../common/theme.ts";
import type { Run } from "../run.ts";
import type { Histogram, Spread } from "../worker/histograms.ts";
import { card, type Panel } from "./panel.ts";

export function spreadPanel(run: Run): Panel {
  const place = h("div", { className: "spreads later" });
  const element = card(
    "Weights and gradients",
    "Blue: the values of each parameter. Orange: its gradient for one batch. σ is the root of the mean square.",
    place,
  );
  element.classList.add("broad");
  const rows = new Map<string, (spread: Spread) => void>();
  return {
    element,
    async refresh() {
      for (const spread of await run.host.spreads()) {
        let show = rows.get(spread.name);
        if (!show) {
          const made = row(spread);
          show = made.show;
          rows.set(spread.name, show);
          place.append(made.element);
        }
        show(spread);
      }
    },
  };
}

function row({ name, shape }: Spread) {
  const [values, gradient] = [bars(`Values of ${name}`, "accent"), bars(`Gradient of ${name}`, "second")];
  return {
    element: h(
      "div",
      {},
      h("h3", {}, name, h("span", { className: "muted small" }, ` ${shape.join("×")}`)),
      h("div", { className: "spread" }, values.element, gradient.element),
    ),
    show(spread: Spread) {
      values.show(spread.values);
      gradient.show(spread.gradient);
    },
  };
}

function bars(label: string, hue: ColorName) {
  const picture = canvas(200, 56, label);
  picture.style.width = "";
  picture.style.height = "";
  const caption = h("figcaption", {});
  return {
    element: h("figure", {}, picture, caption),
    show({ counts, limit, deviation }: Histogram) {
      const context = picture.getContext("2d") as CanvasRenderingContext2D;
      const { width, height } = picture;
      const most = Math.max(...counts, 1);
      const step = width / counts.length;
      context.clearRect(0, 0, width, height);
      context.fillStyle = color("line");
      context.fillRect(0, height - 1, width, 1);
      context.fillRect(width / 2, 0, 1, height);
      context.fillStyle = color(hue);
      counts.forEach((n, i) => {
        const tall = (n / most) * (height - 2);
        context.fillRect(i * step, height - 1 - tall, Math.max(step - 1, 1), tall);
      });
      caption.textContent = `±${number(limit)}, σ ${number(deviation)}`;
    },
  };
}
