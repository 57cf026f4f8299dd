// What an optimizer is, and the one way to make it from a rule for a single parameter. A rule is a few elementwise expressions of the
// parameter, its gradient and its slots (momentum, second moment, …), so that it can run behind the kernel that makes the gradient.
import { mapTree, type Tree } from "../graph/tree.ts";
import { ValueError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { numel, type TensorType } from "../shape/types.ts";
import { isTensor, type Tensor } from "../tensor.ts";
import type { GradientTransform } from "./clip.ts";
import { constant, requireNonNegative, type Schedule } from "./schedules.ts";

/** From gradients to new parameters, with a state of its own. */
export interface Optimizer {
  /** Of the rule. */
  readonly name: string;
  /** The optimizer's state for these parameters: `{ slot: tree of the parameters' form }`. */
  init(params: Tree<NdArray>): Record<string, Tree<NdArray>>;
  /** One step: new parameters and new state. `step` is u32[], counted from 0. */
  update(
    gradients: Tree<Tensor>,
    params: Tree<Tensor>,
    state: Record<string, Tree<Tensor>>,
    step: Tensor,
  ): {
    /** The new ones. */
    readonly params: Tree<Tensor>;
    /** The new one. */
    readonly state: Record<string, Tree<Tensor>>;
  };
}

/** Options of every optimizer. */
export interface OptimizerOptions {
  /** α, or a function of the step. */
  readonly learningRate: number | Schedule;
  /** λ: adds λ·parameter to the gradient; AdamW takes α·λ·parameter off the parameter instead. Default: 0. */
  readonly weightDecay?: number;
  /** Other options for parameters whose path (`dense1.bias`) matches; of several matches the first counts. So the notes' α₁ of weights and α₀
   *  of biases are `{ learningRate: α₁, groups: [{ match: /bias$/, learningRate: α₀ }] }`. */
  readonly groups?: readonly Group[];
  /** Applied to all gradients before anything else. */
  readonly clip?: GradientTransform;
}

/** Options for some of the parameters. */
export interface Group {
  /** Which: by path. */
  readonly match: RegExp | ((path: string) => boolean);
  /** In place of the optimizer's. */
  readonly learningRate?: number | Schedule;
  /** In place of the optimizer's. */
  readonly weightDecay?: number;
}

/** Values by slot. */
export type Slots<S extends string, T> = { readonly [K in S]: T };

/** How one parameter is updated; `fromRule` makes an optimizer of it. */
export interface Rule<S extends string> {
  /** Of the optimizer. */
  readonly name: string;
  /** What each slot holds at the start. */
  readonly slots: Slots<S, number>;
  /** The weight decay is decoupled from the gradient. */
  readonly decoupled?: boolean;
  /** One parameter's step. `step` is u32[] from 0, `count` f32[] from 1. */
  update(
    p: Tensor,
    g: Tensor,
    slots: Slots<S, Tensor>,
    at: { readonly learningRate: Tensor; readonly step: Tensor; readonly count: Tensor },
  ): {
    /** The new parameter. */
    readonly p: Tensor;
    /** The new slots. */
    readonly slots: Slots<S, Tensor>;
  };
}

/** An optimizer that applies the rule to every parameter. Throws ValueError on a NaN or negative option. */
export function fromRule<S extends string>(rule: Rule<S>, options: OptimizerOptions): Optimizer {
  const { groups = [], clip } = options;
  const check = ({ learningRate, weightDecay }: Partial<OptimizerOptions>): void => {
    if (typeof learningRate === "number") requireNonNegative(rule.name, "learningRate", learningRate);
    if (weightDecay !== undefined) requireNonNegative(rule.name, "weightDecay", weightDecay);
  };
  if (typeof options.learningRate !== "number" && typeof options.learningRate !== "function")
    throw new ValueError(
      `${rule.name}: learningRate must be a number or a schedule, got ${options.learningRate}; give one`,
    );
  for (const group of [options, ...groups]) check(group);

  const optionsOf = (path: string) => {
    const group = groups.find(({ match }) => (typeof match === "function" ? match(path) : path.search(match) >= 0));
    const { learningRate = options.learningRate, weightDecay = options.weightDecay ?? 0 } = group ?? {};
    return { schedule: typeof learningRate === "number" ? constant(learningRate) : learningRate, weightDecay };
  };
  const names = Object.keys(rule.slots) as S[];

  return {
    name: rule.name,
    init: (params) =>
      Object.fromEntries(
        names.map((name) => [name, mapLeaves(params, isNdArray, (p) => filled(p, rule.slots[name])) as Tree<NdArray>]),
      ),
    update(gradients, params, state, step) {
      const clipped = flat(clip ? clip(gradients) : gradients);
      const slots = names.map((name) => [name, flat(state[name] as Tree<Tensor>)] as const);
      const count = step.cast("f32").add(1);
      const rates = new Map<Schedule, Tensor>();
      const next = new Map<string, ReturnType<Rule<S>["update"]>>();
      mapLeaves(params, isTensor, (p, path) => {
        const { schedule, weightDecay } = optionsOf(path);
        const learningRate = rates.get(schedule) ?? schedule(step);
        rates.set(schedule, learningRate);
        const raw = clipped.get(path);
        if (!raw) throw new ValueError(`${rule.name}: parameter ${path} has no gradient; give a tree of the same form`);
        const coupled = weightDecay !== 0 && !rule.decoupled;
        const decayed = weightDecay !== 0 && rule.decoupled ? p.sub(p.mul(learningRate.mul(weightDecay))) : p;
        const own = Object.fromEntries(slots.map(([name, values]) => [name, values.get(path)])) as Slots<S, Tensor>;
        const g = coupled ? raw.add(p.mul(weightDecay)) : raw;
        next.set(path, rule.update(decayed, g, own, { learningRate, step, count }));
      });
      const rebuild = (pick: (result: ReturnType<Rule<S>["update"]>) => Tensor) =>
        mapLeaves(params, isTensor, (_, path) => pick(next.get(path) as ReturnType<Rule<S>["update"]>)) as Tree<Tensor>;
      return {
        params: rebuild(({ p }) => p),
        state: Object.fromEntries(names.map((name) => [name, rebuild((result) => result.slots[name])])),
      };
    },
  };
}

const mapLeaves = <A, B>(tree: unknown, isLeaf: (x: unknown) => x is A, f: (leaf: A, path: string) => B): unknown =>
  mapTree<unknown, A, B>(tree, isLeaf, f);

function flat(tree: Tree<Tensor>): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  mapLeaves(tree, isTensor, (t, path) => void found.set(path, t));
  return found;
}

const filled = ({ shape }: TensorType, value: number): NdArray => ({
  dtype: "f32",
  shape,
  data: new Float64Array(numel(shape)).fill(value),
});
