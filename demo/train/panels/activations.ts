// The first layer's weights, and what each layer makes of one image: the one that is drawn, else one of the test set.
import { h } from "../../common/dom.ts";
import type { Run } from "../run.ts";
import { card, type Panel } from "./panel.ts";
import { diverging, drawPictures, largest, pictureCanvas } from "./pixels.ts";

const names: Readonly<Record<string, string>> = {
  conv0: "After the first convolution",
  maxPool1: "After its pooling",
  conv2: "After the second convolution",
  maxPool3: "After its pooling",
  lstm1: "State h: a row for each row of the image, a column for each of 128 units",
  filters: "The first layer's filters",
  weights: "What the first 32 hidden units weigh of the image",
};

export function activationPanel(run: Run, image: () => Promise<Uint8Array>): Panel {
  const place = h("div", { className: "pictures later" });
  const element = card(
    "Filters and feature maps",
    "Blue is positive, orange negative. The maps are of the digit that you draw, or of a test image.",
    place,
  );
  element.classList.add("broad");
  const figures = new Map<string, HTMLCanvasElement>();
  return {
    element,
    async refresh() {
      for (const pictures of await run.host.activations(await image())) {
        const name = names[pictures.name] ?? pictures.name;
        let canvas = figures.get(pictures.name);
        if (!canvas) {
          canvas = pictureCanvas(name);
          figures.set(pictures.name, canvas);
          place.append(h("figure", {}, h("figcaption", {}, name), canvas));
        }
        const columns = pictures.count > 1 ? 8 : 1;
        drawPictures(canvas, pictures, Math.min(columns, pictures.count), diverging(largest(pictures.data)));
      }
    },
  };
}
