// A graph of ONNX in the making: nodes, initialisers, and under which names the values of a traced graph are found in it.
//
// A value is held in one or more orders of its axes: order[i] is the axis of the tensor that stands at place i. Convolutions want NCHW and make
// NCHW; who can work in any order takes what there is, and a transpose of the library is nothing but new orders. So nodes of Transpose stand
// only where an order is asked for that nobody has made.
import { evaluate } from "../cpu/evaluate.ts";
import { type Node, toposort } from "../graph/node.ts";
import { InternalError, UnsupportedError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { DType } from "../shape/types.ts";
import { constant, outputsOf, type Tensor } from "../tensor.ts";
import type { Run } from "./emitters/recurrent.ts";
import { type AttributeProto, attributeTypes, type NodeProto, type TensorProto } from "./model.ts";
import { writeInts, writeTensor } from "./tensors.ts";

export type Order = readonly number[];

/** A size: a number, or so many times the batch. */
export type Size = number | { readonly batches: number };

type AttributeValue = number | readonly number[] | string | readonly string[] | { readonly float: number } | NdArray;
export type AttributeValues = Readonly<Record<string, AttributeValue | undefined>>;

/** An attribute that is a float; other numbers are integers. */
export const float = (value: number): { readonly float: number } => ({ float: value });

/** What is exported. */
export interface Source {
  /** Values of the parameters and the state, by their input nodes; and their paths. */
  readonly variables: ReadonlyMap<Node, { readonly path: string; readonly value: NdArray }>;
  /** The sizes of a node's outputs, where they are no numbers. */
  readonly sizes: ReadonlyMap<Node, readonly (readonly Size[])[]>;
  /** Which is called x; the output will be called y. */
  readonly input: Tensor;
}

export const identity = (rank: number): Order => Array.from({ length: rank }, (_, d) => d);
const keyOf = (t: Tensor): string => `${t.node.id}.${t.output}`;

export class Emitter {
  readonly nodes: NodeProto[] = [];
  /** What is written of recurrent ops. */
  readonly runs = new Map<Node, Run>();
  readonly #source: Source;
  readonly #forms = new Map<string, Map<string, string>>();
  readonly #lazy = new Map<string, () => void>();
  /** Initialisers, by the path of the first parameter that they are made of. */
  readonly #weights = new Map<string, readonly TensorProto[]>();
  readonly #known = new Map<Node, boolean>();
  readonly #names = new Map<string, string>();
  /** Names, and how often each was asked for. */
  readonly #taken = new Map([
    ["x", 1],
    ["y", 1],
  ]);

  constructor(source: Source) {
    this.#source = source;
    this.set(source.input, "x");
  }

  get initialisers(): readonly TensorProto[] {
    return [...this.#weights.values()].flat();
  }

  // ---- nodes ----

  /** Adds a node and gives the names of its outputs. */
  nodeOf(opType: string, input: readonly string[], attributes: AttributeValues, outputs: number): string[] {
    const name = this.#unique(opType);
    const output = Array.from({ length: outputs }, (_, k) => (k === 0 ? name : this.#unique(`${name}_${k}`)));
    const attribute = Object.entries(attributes).flatMap(([key, v]) => (v === undefined ? [] : [attributeOf(key, v)]));
    this.nodes.push({ name, opType, input, output, attribute });
    return output;
  }
  node(opType: string, input: readonly string[], attributes: AttributeValues = {}): string {
    return this.nodeOf(opType, input, attributes, 1)[0] as string;
  }

  #unique(base: string): string {
    let count = this.#taken.get(base) ?? 0;
    let name = count === 0 ? base : `${base}_${count}`;
    while (this.#taken.has(name)) name = `${base}_${++count}`;
    this.#taken.set(base, count + 1).set(name, this.#taken.get(name) ?? 1);
    return name;
  }

  /** int64 [n] */
  ints(values: readonly number[]): string {
    return this.#constant(`int64 [${values}]`, () => writeInts("", values));
  }
  /** A scalar. */
  scalar(dtype: DType, value: number): string {
    return this.#constant(`${dtype} ${value}`, () => writeTensor("", arrayOf(constant({ dtype, shape: [] }, [value]))));
  }
  #constant(key: string, make: () => TensorProto): string {
    return this.#once(key, () => {
      const name = this.#unique("Constant");
      const attribute = [{ name: "value", type: attributeTypes.TENSOR, t: make() }];
      this.nodes.push({ name, opType: "Constant", output: [name], attribute });
      return name;
    });
  }
  #once(key: string, make: () => string): string {
    const name = this.#names.get(key) ?? make();
    this.#names.set(key, name);
    return name;
  }

  // ---- sizes ----

  sizes(t: Tensor): readonly Size[] {
    return this.#source.sizes.get(t.node)?.[t.output] ?? t.shape;
  }
  /** A shape, as a value of the graph: with the batch's size taken from the input where it is asked for. */
  shape(sizes: readonly Size[]): string {
    const numbers = sizes.filter((size) => typeof size === "number");
    if (numbers.length === sizes.length) return this.ints(numbers);
    const batch = this.#once("batch", () => this.node("Shape", ["x"], { start: 0, end: 1 }));
    const parts = sizes.map((size) =>
      typeof size === "number"
        ? this.ints([size])
        : size.batches === 1
          ? batch
          : this.node("Mul", [batch, this.ints([size.batches])]),
    );
    return this.node("Concat", parts, { axis: 0 });
  }

  // ---- values ----

  /** Whether a tensor depends on parameters and constants alone, and has no size that depends on the batch. */
  known(t: Tensor): boolean {
    const { node } = t;
    let known = this.#known.get(node);
    if (known === undefined) {
      const open = this.#source.sizes.get(node)?.some((list) => list.some((size) => typeof size !== "number"));
      const leaf = node.op.name !== "input" || this.#source.variables.has(node);
      known = leaf && !open && node.inputs.every((input) => this.known(input));
      this.#known.set(node, known);
    }
    return known;
  }

  /** The value, in an order of its axes; as the tensor has it by default. */
  get(t: Tensor, order: Order = identity(t.rank)): string {
    const forms = this.#formsOf(t);
    const found = forms.get(String(order));
    if (found !== undefined) return found;
    const name = this.known(t) ? this.#fold(t, order) : this.#transposed(forms, order);
    forms.set(String(order), name);
    return name;
  }

  #formsOf(t: Tensor): Map<string, string> {
    const key = keyOf(t);
    this.#lazy.get(key)?.();
    this.#lazy.delete(key);
    let forms = this.#forms.get(key);
    if (!forms) {
      if (!this.known(t))
        throw new UnsupportedError(
          `toOnnx: output ${t.output} of ${t.node.op.name} has no counterpart in ONNX; leave it out`,
        );
      this.#forms.set(key, (forms = new Map()));
    }
    return forms;
  }

  /** Computes a known tensor now: an initialiser named after its parameter, or a constant. */
  #fold(t: Tensor, order: Order): string {
    const straight = order.every((axis, i) => axis === i);
    const laid = straight ? t : t.transpose(order);
    const values = new Map([...this.#source.variables].map(([node, { value }]) => [node, value]));
    const paths = toposort([t]).flatMap((node) => this.#source.variables.get(node)?.path ?? []);
    const array = evaluate([laid], values)[0] as NdArray;
    if (paths.length === 0) return this.#constant(`${keyOf(t)} ${order}`, () => writeTensor("", array));
    const [path] = paths as [string];
    // steps of a loop compute the same from the same weights
    const made = this.#weights.get(path) ?? [];
    const proto = writeTensor("", array);
    const same = made.find((one) => isSame(one, proto));
    if (same) return same.name as string;
    const named = { ...proto, name: this.#unique(path) };
    this.#weights.set(path, [...made, named]);
    return named.name;
  }

  #transposed(forms: ReadonlyMap<string, string>, order: Order): string {
    const [first] = forms;
    if (!first) throw new InternalError("toOnnx: a value is asked for before it is made");
    const from = first[0].split(",").map(Number);
    return this.node("Transpose", [first[1]], { perm: order.map((axis) => from.indexOf(axis)) });
  }

  /** Says under which name a tensor is found, in this order of its axes. */
  set(t: Tensor, name: string, order: Order = identity(t.rank)): void {
    const forms = this.#forms.get(keyOf(t)) ?? new Map<string, string>();
    forms.set(String(order), name);
    this.#forms.set(keyOf(t), forms);
  }
  /** The same, made when it is asked for. */
  setLazily(t: Tensor, make: () => string): void {
    this.#lazy.set(keyOf(t), () => this.set(t, make()));
  }
  /** y is x with its axes permuted: nothing is made. */
  setPermuted(y: Tensor, x: Tensor, permutation: Order): void {
    for (const [key, name] of this.#formsOf(x))
      this.set(y, name, key === "" ? [] : key.split(",").map((axis) => permutation.indexOf(Number(axis))));
  }

  /** An order in which a tensor is held. */
  orderOf(t: Tensor): Order {
    if (this.known(t)) return identity(t.rank);
    const [key] = this.#formsOf(t).keys();
    return key ? key.split(",").map(Number) : [];
  }
}

/** The value of a tensor that depends on nothing. */
const arrayOf = (t: Tensor): NdArray => evaluate([t], new Map())[0] as NdArray;

const isSame = (a: TensorProto, b: TensorProto): boolean =>
  String(a.dims) === String(b.dims) && a.rawData!.every((byte, i) => byte === b.rawData![i]);

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "number") return { name, type: attributeTypes.INT, i: value };
  if (typeof value === "string") return { name, type: attributeTypes.STRING, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: attributeTypes.FLOAT, f: value.float };
  if ("data" in value) return { name, type: attributeTypes.TENSOR, t: writeTensor("", value) };
  const texts = value.filter((v) => typeof v === "string");
  if (texts.length > 0)
    return { name, type: attributeTypes.STRINGS, strings: texts.map((v) => new TextEncoder().encode(v)) };
  return { name, type: attributeTypes.INTS, ints: value as readonly number[] };
}

/** Its only output, or its first. */
export const outputOf = (node: Node): Tensor => outputsOf(node)[0] as Tensor;
