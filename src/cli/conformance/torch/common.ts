// How the builders of torch-grad are written.

import type { Attributes } from "../../../onnx/attributes.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import type { Tensor } from "../../../tensor.ts";
import { CaseError } from "../case.ts";

/** Inputs of a case, by name. */
export class Inputs {
  readonly names: readonly string[];
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.names = [...tensors.keys()];
    this.#tensors = tensors;
  }
  get(name: string): Tensor {
    const t = this.#tensors.get(name);
    if (!t) throw new CaseError(`input ${name} is missing; there are ${this.names.join(", ")}`);
    return t;
  }
  maybe(name: string): Tensor | undefined {
    return this.#tensors.get(name);
  }
  /** All that are called `prefix` and a number, or a dot and a name, in order. */
  all(prefix: string): Tensor[] {
    return this.names
      .filter((name) => name.startsWith(prefix) && /^(\d+|\..+)$/.test(name.slice(prefix.length)))
      .map((name) => this.get(name));
  }
}

/** Outputs by name. Where gradients are not those of the outputs' sum or of `loss`, they stand here as `grad <input>`. */
export type Outputs = Readonly<Record<string, Tensor>>;
export type Builder = (x: Inputs, attributes: Attributes) => Outputs;

/** One output, y. */
export const one =
  (f: (x: Inputs, attributes: Attributes) => Tensor): Builder =>
  (x, attributes) => ({ y: f(x, attributes) });

export type Reduction = "mean" | "sum" | "none";

export function reductionOf(attributes: Attributes): Reduction {
  const reduction = attributes.text("reduction", "mean");
  if (reduction === "mean" || reduction === "sum" || reduction === "none") return reduction;
  throw new UnsupportedError(`reduction ${reduction}`);
}

export const reduced = (loss: Tensor, reduction: Reduction): Tensor =>
  reduction === "none" ? loss : reduction === "sum" ? loss.sum() : loss.mean();

/** A number for all axes, or one for each. */
export function perAxis(attributes: Attributes, name: string, rank: number, otherwise: number): readonly number[] {
  if (!attributes.has(name)) return Array(rank).fill(otherwise);
  try {
    return Array(rank).fill(attributes.number(name));
  } catch {
    const list = attributes.numbers(name);
    return list.length === 1 ? Array(rank).fill(list[0]) : list;
  }
}
