// Messages above a page's content: what went wrong and what to do.
import { type Child, h } from "./dom.ts";

export type Tone = "info" | "warning" | "error";

export interface BannerOptions {
  readonly tone: Tone;
  readonly title: string;
  /** One banner of a key is shown at a time. Default: the title. */
  readonly key?: string;
  readonly actions?: readonly { readonly label: string; readonly onclick: () => void }[];
}

/** Shows a banner at the top of <main>; read out by screen readers. Gives a function that takes it away. */
export function banner({ tone, title, key = title, actions = [] }: BannerOptions, ...body: Child[]): () => void {
  const main = document.querySelector("main") as HTMLElement;
  removeBanner(key);
  const close = () => element.remove();
  const element = h(
    "section",
    { className: `banner ${tone}`, data: { key }, attr: { role: tone === "error" ? "alert" : "status" } },
    h("h2", {}, title),
    h("div", {}, ...body),
    h(
      "p",
      { className: "row" },
      actions.map(({ label, onclick }) =>
        h(
          "button",
          {
            type: "button",
            onclick: () => {
              close();
              onclick();
            },
          },
          label,
        ),
      ),
      tone !== "info" || actions.length === 0
        ? h("button", { type: "button", className: "quiet", onclick: close }, "Dismiss")
        : null,
    ),
  );
  main.prepend(element);
  element.scrollIntoView({ block: "nearest" }); // what it answers may have been asked for far below
  return close;
}

/** Takes a banner away, if there is one: what it said holds no longer. */
export function removeBanner(key: string): void {
  for (const old of document.querySelectorAll<HTMLElement>("main > .banner")) if (old.dataset.key === key) old.remove();
}

/** An error as a banner. Where the GPU was lost, one begins again on what the browser gives next. */
export function errorBanner(error: unknown, title = "Something went wrong"): () => void {
  const text = h("p", {}, error instanceof Error ? error.message : String(error));
  if (!(error instanceof Error && error.name === "DeviceLostError"))
    return banner({ tone: "error", title, key: "error" }, text);
  const actions = [{ label: "Begin again", onclick: () => location.reload() }];
  return banner({ tone: "error", title: "The GPU was lost", key: "error", actions }, text);
}

/** Shows errors that nobody caught. */
export function catchErrors(): void {
  addEventListener("error", (event) => errorBanner(event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => errorBanner(event.reason));
}

/** What to switch on where there is no WebGPU, and what the page does instead. */
export function noWebGpuBanner(reason: string): () => void {
  const what = reason.replace(/^[\w.]+: |;.*$/gs, ""); // the rest tells programmers what to do
  return banner(
    { tone: "warning", title: "This browser gives no WebGPU", key: "webgpu" },
    what && h("p", {}, `The reason: ${what}.`),
    h(
      "ul",
      {},
      h(
        "li",
        {},
        h("b", {}, "Chrome, Edge 113 or later: "),
        "it is on, except where the driver is on a block list. Look at ",
        h("code", {}, "chrome://gpu"),
        "; on Linux switch on ",
        h("code", {}, "chrome://flags/#enable-unsafe-webgpu"),
        " and ",
        h("code", {}, "chrome://flags/#enable-vulkan"),
        ".",
      ),
      h("li", {}, h("b", {}, "Safari 26 or later: "), "it is on. Before: Settings, Feature Flags, WebGPU."),
      h(
        "li",
        {},
        h("b", {}, "Firefox 141 or later: "),
        "on Windows it is on; elsewhere switch on ",
        h("code", {}, "dom.webgpu.enabled"),
        " in ",
        h("code", {}, "about:config"),
        ".",
      ),
      h("li", {}, "The page must come from https:// or localhost."),
    ),
    h(
      "p",
      {},
      "Until then the small tasks run here on the CPU, in float64 and slowly: the same code, the same results.",
    ),
  );
}
