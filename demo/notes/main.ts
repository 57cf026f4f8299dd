// The notes: the mathematics of training, in order, each formula beside a computation that lives.
import { catchErrors, errorBanner } from "../common/banner.ts";
import { pageDevice } from "../common/device.ts";
import { byId, h } from "../common/dom.ts";
import { section } from "./note.ts";
import { bptt } from "./notes/bptt.ts";
import { convolution } from "./notes/convolution.ts";
import { delta } from "./notes/delta.ts";
import { descent } from "./notes/descent.ts";
import { flow } from "./notes/flow.ts";
import { forward } from "./notes/forward.ts";
import { losses } from "./notes/losses.ts";
import { lstm } from "./notes/lstm.ts";
import { outer } from "./notes/outer.ts";
import { pooling } from "./notes/pooling.ts";
import { softmax } from "./notes/softmax.ts";

catchErrors();

const notes = [forward, delta, outer, softmax, losses, descent, convolution, pooling, bptt, lstm, flow];

const sections = notes.map((note, i) => section(note, i + 1));
byId("page", HTMLDivElement).append(
  h(
    "nav",
    { className: "contents", attr: { "aria-label": "Notes" } },
    h(
      "ol",
      {},
      notes.map(({ id, title }) => h("li", {}, h("a", { href: `#${id}` }, title))),
    ),
  ),
  ...sections.map(({ element }) => element),
);

const device = await pageDevice();
// one after the other, from the top: what is read first lives first
for (const { element, start } of sections) {
  await start(device).catch(errorBanner);
  element.dataset.alive = "true";
}
