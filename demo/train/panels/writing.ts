// What the character model writes, going on from a piece of the book.
import { h } from "../../common/dom.ts";
import type { Run } from "../run.ts";
import { attempt, card, type Panel } from "./panel.ts";

export function writingPanel(run: Run): Panel {
  const text = h("p", { className: "written", attr: { lang: "en" } }, "…");
  const temperature = h("input", {
    type: "range",
    min: "0.1",
    max: "1.4",
    step: "0.1",
    value: "0.7",
    id: "temperature",
  });
  const value = h("output", {}, "0.7");
  temperature.oninput = () => (value.textContent = temperature.value);
  const element = card(
    "What it writes",
    "Grey is the book, then the model goes on: each letter is drawn from its prediction.",
    text,
    h("label", {}, h("span", {}, "Temperature ", value), temperature),
    h(
      "p",
      { className: "row" },
      h("button", { type: "button", onclick: () => attempt(run, text, write()) }, "Write again"),
    ),
  );
  element.classList.add("broad");
  let seed = 0;
  const write = async () => {
    const { prompt, written } = await run.host.sample(++seed, Number(temperature.value));
    text.replaceChildren(h("span", { className: "prompt" }, prompt), written);
  };
  return { element, refresh: write };
}
