// How it does on images it has not trained on: the confusion matrix, and the digits it gets wrong.
import { h, ownFrame } from "../../common/dom.ts";
import { count, percent } from "../../common/format.ts";
import type { Run } from "../run.ts";
import type { Mistake, Review } from "../worker/review.ts";
import { card, type Panel } from "./panel.ts";
import { drawPictures, ink, pictureCanvas, type Shade } from "./pixels.ts";

/** Two panels that one look fills: it is taken in any case, since the accuracy stands above. `onReview` is told of each. */
export function reviewPanels(run: Run, examples: () => number, onReview: (review: Review) => void): Panel[] {
  const confusion = confusionTable();
  const mistakes = mistakeList();
  return [
    {
      element: confusion.element,
      always: true,
      async refresh() {
        const review = await run.host.review(examples());
        onReview(review);
        await ownFrame();
        confusion.show(review);
        await mistakes.show(review);
      },
    },
    { element: mistakes.element, refresh: async () => {} },
  ];
}

function confusionTable() {
  const digits = Array.from({ length: 10 }, (_, k) => k);
  const cells = digits.map(() => digits.map(() => h("td", {}, "")));
  const table = h(
    "table",
    { className: "confusion" },
    h("caption", { className: "sr" }, "Rows: the digit; columns: what it was taken for"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, h("span", { className: "sr" }, "digit")),
        digits.map((k) => h("th", { scope: "col" }, k)),
      ),
    ),
    h(
      "tbody",
      {},
      digits.map((k) => h("tr", {}, h("th", { scope: "row" }, k), cells[k] ?? [])),
    ),
  );
  const summary = h("p", { className: "small numbers", id: "tested" }, "Not tested yet.");
  const element = card(
    "Confusion",
    "Rows are digits, columns what the net takes them for. Off the diagonal is wrong.",
    table,
    summary,
  );
  return {
    element,
    show({ confusion, accuracy, loss, examples }: Review) {
      const most = Math.max(...confusion.map((row) => Math.max(...row)), 1);
      for (const [i, row] of confusion.entries())
        for (const [j, n] of row.entries()) {
          const cell = cells[i]?.[j] as HTMLTableCellElement;
          const share = Math.sqrt(n / most);
          const [hue, strength] = i === j ? ["--accent", 32 * share] : ["--bad", 14 + 40 * share];
          cell.textContent = n ? String(n) : "";
          cell.style.background = n ? `color-mix(in srgb, var(${hue}) ${strength.toFixed(0)}%, var(--sunk))` : "";
        }
      summary.textContent = `${percent(accuracy)} of ${count(examples)} test images right, loss ${loss.toFixed(3)}`;
    },
  };
}

function mistakeList() {
  const list = h("ul", { className: "mistakes" });
  const items: MistakeItem[] = [];
  const none = h("p", { className: "small muted" }, "Not tested yet.");
  const element = card(
    "What it gets wrong",
    "The surest mistakes on the test images: the digit, and what the net says.",
    list,
    none,
  );
  return {
    element,
    async show({ mistakes }: Review) {
      none.hidden = mistakes.length > 0;
      none.textContent = "No mistake among the images tested.";
      const shade = ink();
      for (const [i, mistake] of mistakes.entries()) {
        if (i % 5 === 0) await ownFrame();
        (items[i] ??= mistakeItem()).show(mistake, shade);
      }
      list.replaceChildren(...items.slice(0, mistakes.length).map(({ element }) => element));
    },
  };
}

type MistakeItem = ReturnType<typeof mistakeItem>;

function mistakeItem() {
  const picture = pictureCanvas("");
  const [digit, said] = [h("span", {}), h("b", {})];
  return {
    element: h("li", {}, picture, h("span", {}, digit, " → ", said)),
    show({ pixels, label, predicted, confidence }: Mistake, shade: Shade) {
      drawPictures(picture, { count: 1, height: 28, width: 28, data: pixels }, 1, shade);
      picture.setAttribute("aria-label", `A ${label}, taken for a ${predicted}`);
      picture.title = `${percent(confidence)} sure`;
      digit.textContent = String(label);
      said.textContent = String(predicted);
    },
  };
}
