// The set-up: what is chosen, kept in the page's address so that it can be shared.
import { byId, h } from "../common/dom.ts";
import { count } from "../common/format.ts";
import { points } from "./points.ts";
import {
  learningRates,
  type OptimizerName,
  optimizerNames,
  type Setup,
  type Task,
  type TaskName,
  tasks,
} from "./tasks.ts";

const batches = [1, 10, 16, 32, 64, 128, 256, 512];
const imageCounts = [2000, 12_000, 60_000];
/** What the CPU reference takes unless told otherwise. */
const onCpu = { task: "netbp", images: 2000, batch: 16 } as const;

export class Form {
  /** Something was chosen. */
  onChange = (): void => {};
  onSubmit = (): void => {};
  readonly #task = byId("task", HTMLSelectElement);
  readonly #batch = byId("batch", HTMLSelectElement);
  readonly #optimizer = byId("optimizer", HTMLSelectElement);
  readonly #learningRate = byId("learningRate", HTMLInputElement);
  readonly #seed = byId("seed", HTMLInputElement);
  readonly #length = byId("length", HTMLInputElement);
  readonly #images = byId("images", HTMLSelectElement);
  readonly #fields = byId("fields", HTMLFieldSetElement);
  readonly #form = byId("setup", HTMLFormElement);
  #cpu = false;

  constructor() {
    const option = (value: string | number, text: string) => h("option", { value: String(value) }, text);
    this.#task.append(...Object.entries(tasks).map(([name, task]) => option(name, task.name)));
    this.#batch.append(...batches.map((n) => option(n, count(n))));
    this.#images.append(...imageCounts.map((n) => option(n, count(n))));
    this.#optimizer.append(...optimizerNames.map((name) => option(name, name)));
    this.#fill(Object.fromEntries(new URLSearchParams(location.search)));

    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.onSubmit();
    });
    this.#task.addEventListener("change", () => this.#fill({ task: this.#task.value, seed: this.#seed.value }));
    this.#optimizer.addEventListener("change", () => {
      const own = this.#optimizer.value === this.#chosen.optimizer;
      this.#learningRate.value = String(
        own ? this.#chosen.learningRate : learningRates[this.#optimizer.value as OptimizerName],
      );
    });
    this.#form.addEventListener("change", () => {
      if (!this.#form.checkValidity()) return;
      this.#remember();
      this.onChange();
    });
  }

  get setup(): Setup {
    return {
      task: this.#task.value as TaskName,
      batch: Number(this.#batch.value),
      optimizer: this.#optimizer.value as OptimizerName,
      learningRate: this.#learningRate.valueAsNumber,
      seed: this.#seed.valueAsNumber,
      images: Number(this.#images.value),
      length: this.#length.valueAsNumber,
      cpu: this.#cpu,
    };
  }

  /** Whether what was chosen can be trained; says what is wrong if not. */
  check(): boolean {
    return this.#form.reportValidity();
  }

  enable(enabled: boolean): void {
    this.#fields.disabled = !enabled;
  }

  /** Computes on the CPU reference, and leaves only the tasks that it can do. */
  onlySmall(): void {
    this.#cpu = true;
    for (const option of this.#task.options) option.disabled = !(tasks[option.value as TaskName] as Task).small;
    const given = Object.fromEntries(new URLSearchParams(location.search));
    this.#fill(this.#chosen.small ? { ...given, task: this.#task.value } : { task: onCpu.task });
  }

  get #chosen(): Task {
    return tasks[this.#task.value as TaskName];
  }

  /** Chooses a task's defaults, and what is given besides. */
  #fill(given: Readonly<Record<string, string>>): void {
    const name = Object.hasOwn(tasks, given.task ?? "")
      ? (given.task as TaskName)
      : this.#cpu
        ? onCpu.task
        : "mnist-cnn";
    const task: Task = tasks[name];
    const { batch, images } = this.#cpu && task.kind === "images" ? onCpu : { batch: task.batch, images: 60_000 };
    const { optimizer = "" } = given;
    this.#task.value = name;
    this.#optimizer.value = Object.hasOwn(learningRates, optimizer) ? optimizer : task.optimizer;
    enter(this.#learningRate, given.learningRate, task.learningRate);
    enter(this.#seed, given.seed, 1);
    enter(this.#length, given.length, task.length);
    choose(this.#images, given.images, images);
    const most = task.kind === "points" ? points.length : Infinity;
    choose(this.#batch, given.batch, batch, most);
    for (const option of this.#batch.options) option.disabled = Number(option.value) > most;
    byId("about", HTMLParagraphElement).textContent = task.about;
    byId("code", HTMLElement).textContent = task.code;
    byId("lengthUnit", HTMLSpanElement).textContent = task.kind === "images" ? "Epochs" : "Steps";
    byId("imagesLabel", HTMLLabelElement).hidden = task.kind !== "images";
  }

  #remember(): void {
    const { cpu, ...chosen } = this.setup;
    const given = new URLSearchParams(Object.entries(chosen).map(([name, value]) => [name, String(value)]));
    if (new URLSearchParams(location.search).has("cpu")) given.set("cpu", "");
    history.replaceState(null, "", `?${given}`);
  }
}

/** Enters a number of the address, or the usual one where that is none or not allowed. */
function enter(input: HTMLInputElement, given: string | undefined, usual: number): void {
  const value = given ? Number(given) : usual;
  input.value = String(Number.isFinite(value) ? value : usual);
  if (!input.checkValidity()) input.value = String(usual);
}

/** Selects a number, which becomes an option if it is none; the usual one where it is no number of things, or too many. */
function choose(select: HTMLSelectElement, given: string | undefined, usual: number, most = Infinity): void {
  const value = Number(given);
  const text = String(Number.isInteger(value) && value >= 1 && value <= most ? value : usual);
  if (![...select.options].some((option) => option.value === text))
    select.append(h("option", { value: text }, count(Number(text))));
  select.value = text;
}
