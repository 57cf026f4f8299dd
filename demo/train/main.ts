// Train: a network learns in a worker while the page shows how.
import { chart } from "../common/chart.ts";
import { pageDevice } from "../common/device.ts";
import { byId, h } from "../common/dom.ts";

const device = await pageDevice();
const loss = chart({ title: "Loss", x: "step", lines: [{ label: "loss", color: "accent" }] });
byId("page", HTMLDivElement).append(
  h("p", { className: "card" }, device.name),
  h("div", { className: "card" }, loss.element),
);
