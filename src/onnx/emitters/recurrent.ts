// The recurrent ops as RNN, LSTM and GRU: X [T,B,I], W [1, G·H, I], R [1, G·H, H], B [1, 2·G·H], initial states [1,B,H] → Y [T,1,B,H],
// Y_h, Y_c [1,B,H].
//
// Our ops take x·Wx + b of every step, and give the states [T+1,B,H] with the initial one first. So the product is looked for where x comes
// from (else W is the identity), and what is read of the states is nearly always all but the first (Y) or the last (Y_h, Y_c). A run over a
// reversed sequence is the operator's own direction.
import type { Node } from "../../graph/node.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import { f32, i32 } from "../../shape/types.ts";
import { concat, full, iota, outputsOf, type Tensor } from "../../tensor.ts";
import { type Emitter, outputOf } from "../emitter.ts";
import { type Fusion, inputsIf, type Plan } from "./emit.ts";
import { reversed } from "./views.ts";

interface Kind {
  readonly opType: string;
  /** ONNX's gates, as places in the library's order. */
  readonly order: readonly number[];
  /** A GRU whose bias of n, its third input, is with h·Whn: it resets behind that. */
  readonly resetAfter?: true;
  readonly memory: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  rnn: { opType: "RNN", order: [0], memory: false },
  lstm: { opType: "LSTM", order: [0, 3, 1, 2], memory: true }, // i, o, f, c of i, f, g, o
  gru: { opType: "GRU", order: [1, 0, 2], memory: false, resetAfter: true }, // z, r, h of r, z, n
  gruResetBefore: { opType: "GRU", order: [1, 0, 2], memory: false },
};

/** What follows x and wh: the bias of a GRU that resets after its product, an LSTM's peepholes, initial states. */
function othersOf({ inputs, params }: Node, kind: Kind) {
  const own = kind.resetAfter || params.peepholes ? 1 : 0;
  const [first] = inputs.slice(2);
  return { bias: kind.resetAfter && first, peepholes: params.peepholes && first, initial: inputs.slice(2 + own) };
}

/** Blocks of H columns in ONNX's order, transposed, as of one direction. */
function laid(t: Tensor, { order }: Kind): Tensor {
  const blocks = t.split(order.length, -1);
  const all = concat(
    order.map((k) => blocks[k]!),
    -1,
  );
  return (t.rank === 2 ? all.transpose() : all).unsqueeze(0);
}

/** Peepholes i, f, o [3,H] as ONNX's i, o, f [1,3·H]. */
function seen(peepholes: Tensor): Tensor {
  const [i, f, o] = peepholes.split(3, 0) as [Tensor, Tensor, Tensor];
  return concat([i, o, f], 1);
}

interface Product {
  /** [T,B,I], which the run goes over from the last step to the first if `reverse`. */
  readonly x: Tensor;
  readonly reverse: boolean;
  readonly wx: Tensor;
  readonly bias: Tensor;
}

/** reshape(reshape(x)·wx + bias), of known weights; else of the identity. */
function productOf(e: Emitter, given: Tensor): Product {
  const [rows] = inputsIf(given, "reshape") ?? [];
  const [product, bias] = inputsIf(rows, "add") ?? [];
  const [flat, wx] = inputsIf(product, "matmul") ?? [];
  const [x] = inputsIf(flat, "reshape") ?? [];
  const [T, B, width] = given.shape as [number, number, number];
  const steps = x?.rank === 3 && flat && String(x.shape) === String([T, B, flat.shape[1]]);
  if (steps && wx && bias?.rank === 1 && e.known(wx) && e.known(bias)) {
    const [before] = inputsIf(x, "flip") ?? [];
    const reverse = before !== undefined && String(x.node.params.axes) === "0";
    return { x: reverse ? before : x, reverse, wx, bias };
  }
  const [rowOf, columnOf] = [0, 1].map((axis) => iota(i32(width, width), axis)) as [Tensor, Tensor];
  return { x: given, reverse: false, wx: rowOf.equal(columnOf).cast("f32"), bias: full(f32(width), 0) };
}

/** The node of a recurrent op. */
export const recurrence: Fusion = (node, e) => {
  const kind = kinds[node.op.name];
  if (!kind) return undefined;
  const product = productOf(e, node.inputs[0]!);
  const { initial } = othersOf(node, kind);
  return { inputs: [product.x, ...initial], emit: (e) => write(e, node, kind, product, initial) };
};

function write(
  e: Emitter,
  node: Node,
  kind: Kind,
  { x, reverse, wx, bias }: Product,
  initial: readonly Tensor[],
): void {
  const wh = node.inputs[1]!;
  const { bias: biasN, peepholes } = othersOf(node, kind);
  if ([wh, biasN, peepholes].some((t) => t && !e.known(t)))
    throw new UnsupportedError(`toOnnx: the weights of ${node.op.name} are computed; make them parameters`);
  const units = wh.shape[0] as number;
  const none = full(f32(bias.shape[0]! - (biasN ? units : 0)), 0);
  const biasH = biasN ? concat([none, biasN], 0) : none;
  const states = initial.map((t) => e.node("Unsqueeze", [e.get(t), e.ints([0])]));
  const inputs = [
    ...[e.get(x), e.get(laid(wx, kind)), e.get(laid(wh, kind))],
    ...[e.get(concat([laid(bias, kind), laid(biasH, kind)], 1)), "", ...states],
    ...(peepholes ? [...(states.length > 0 ? [] : ["", ""]), e.get(seen(peepholes))] : []),
  ];
  const [all, last, lastCell] = e.nodeOf(
    kind.opType,
    states.length > 0 || peepholes ? inputs : inputs.slice(0, 4),
    {
      hidden_size: units,
      direction: reverse ? "reverse" : undefined,
      activations: kind.opType === "RNN" && node.params.activation === "relu" ? ["Relu"] : undefined,
      linear_before_reset: kind.resetAfter ? 1 : undefined,
    },
    kind.memory ? 3 : 2,
  ) as [string, string, string?];
  const squeezed = () => e.node("Squeeze", [all, e.ints([1])]);
  e.runs.set(node, { reverse, squeezed, last, lastCell });
  const [hs] = outputsOf(node) as [Tensor];
  e.setLazily(hs, () => {
    const zeros = () => e.node("Expand", [e.scalar("f32", 0), e.shape([1, ...e.sizes(hs).slice(1)])]);
    return e.node("Concat", [states[0] ?? zeros(), inRunOrder(e, node)], { axis: 0 });
  });
}

/** What is written of a recurrent op. */
export interface Run {
  readonly reverse: boolean;
  /** Makes the states but the first [T,B,H], in the order of time. */
  readonly squeezed: () => string;
  readonly last: string;
  readonly lastCell: string | undefined;
}

function inRunOrder(e: Emitter, node: Node): string {
  const { reverse, squeezed } = e.runs.get(node)!;
  return reverse ? reversed(e, squeezed(), [0]) : squeezed();
}

/** A slice of states: those after the first, or the last. */
function partOf(t: Tensor | undefined): { node: Node; part: "rest" | "last" | "lastCell" } | undefined {
  const [states] = inputsIf(t, "slice") ?? [];
  const kind = states && kinds[states.node.op.name];
  if (!kind || !t || !states) return undefined;
  const { starts, ends, steps } = t.node.params as Record<"starts" | "ends" | "steps", readonly number[]>;
  const whole = [1, 2].every((d) => starts[d] === 0 && ends[d] === states.shape[d] && steps[d] === 1);
  const count = states.shape[0] as number;
  if (!whole || ends[0] !== count || steps[0] !== 1) return undefined;
  const { node } = states;
  if (starts[0] === count - 1 && states.output < (kind.memory ? 2 : 1))
    return { node, part: states.output === 0 ? "last" : "lastCell" };
  return starts[0] === 1 && states.output === 0 ? { node, part: "rest" } : undefined;
}

/** What is read of a recurrent op's states, in the order of its run. */
export const recurrentStates: Fusion = (node) => {
  const y = outputOf(node);
  const found = partOf(y);
  if (!found) return undefined;
  const emit: Plan["emit"] = (e) => {
    const { last, lastCell } = e.runs.get(found.node)!;
    const name = found.part === "last" ? last : found.part === "lastCell" ? lastCell! : inRunOrder(e, found.node);
    e.set(y, name);
  };
  return { inputs: [outputOf(found.node)], emit };
};

/** The states of a reversed run, in the order of time. */
export const reversedStates: Fusion = (node, e) => {
  const [slice] = inputsIf(outputOf(node), "flip") ?? [];
  const found = partOf(slice);
  if (found?.part !== "rest" || String(node.params.axes) !== "0") return undefined;
  if (!productOf(e, found.node.inputs[0]!).reverse) return undefined;
  return { inputs: [outputOf(found.node)], emit: (e) => e.set(outputOf(node), e.runs.get(found.node)!.squeezed()) };
};
