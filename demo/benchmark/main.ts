// Benchmark.
import { pageDevice } from "../common/device.ts";
import { byId, h } from "../common/dom.ts";

const device = await pageDevice();
byId("page", HTMLDivElement).append(h("p", { className: "card" }, device.name));
