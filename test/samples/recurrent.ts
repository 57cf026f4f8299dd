// Recurrences over time: T of 1, 7 and 28, sizes that are multiples of 4 and odd ones, a dispatch for all steps, one a step and one for three steps.
import * as recurrence from "../../src/compositions/recurrence.ts";
import type { OpName } from "../../src/ops/index.ts";
import * as ops from "../../src/ops/index.ts";
import { f32, i32, u32 } from "../../src/shape/types.ts";
import { apply, type Tensor } from "../../src/tensor.ts";
import { given, random, type Sample, sample } from "./sample.ts";

const sizes = [
  [1, 3, 5],
  [7, 5, 3],
  [7, 9, 8],
  [28, 3, 4],
  [2, 17, 20],
] as const;
const forms = ["loop", "step", 3] as const;
type Form = (typeof forms)[number];
const r = (seed: number, ...shape: number[]) => random(f32(...shape), { seed, low: -1, high: 1 });
/** Pre-activations of ReLU that stay on one side of 0. */
const positive = (seed: number, ...shape: number[]) => random(f32(...shape), { seed, low: 0.2, high: 0.6 });

const list = (make: (T: number, B: number, H: number, form: Form) => readonly Sample[]) =>
  sizes.flatMap(([T, B, H]) =>
    forms.flatMap((form) => make(T, B, H, form).map((s) => ({ ...s, name: `${s.name}, [${T},${B},${H}] by ${form}` }))),
  );
const once = { once: true } as const;

export const samples = {
  rnn: [
    ...list((T, B, H, form) => [
      sample(
        "from h0",
        [r(1, T, B, H), r(2, H, H), r(3, B, H)],
        (x, w, h0) => recurrence.rnn(x, w, "tanh", h0, form),
        once,
      ),
      sample("from zeros", [r(1, T, B, H), r(2, H, H)], (x, w) => recurrence.rnn(x, w, "tanh", undefined, form), once),
    ]),
    sample(
      "relu",
      [positive(1, 7, 3, 4), positive(2, 4, 4), positive(3, 3, 4)],
      (x, w, h0) => recurrence.rnn(x, w.mul(0.3), "relu", h0),
      once,
    ),
  ],
  rnnGrad: list((T, B, H, form) => [
    sample(
      "dz",
      [r(1, T + 1, B, H), r(2, H, H), r(3, T + 1, B, H)],
      (dhs, w, hs) =>
        (["tanh", "relu"] as const).flatMap((activation) => apply(ops.rnnGrad, [dhs, w, hs], { activation, form })),
      { differentiable: [] },
    ),
  ]),
  lstm: list((T, B, H, form) => {
    const [x, w, h, c] = [r(1, T, B, 4 * H), r(2, H, 4 * H), r(3, B, H), r(4, B, H)];
    const states = ({ hs, cs }: { hs: Tensor; cs: Tensor }) => [hs, cs];
    return [
      sample("from h0, c0", [x, w, h, c], (x, w, h, c) => states(recurrence.lstm(x, w, { h, c }, form)), once),
      sample("from zeros", [x, w], (x, w) => recurrence.lstm(x, w, undefined, form).hs, once),
      sample("the gates", [x, w, h, c], (x, w, h, c) => Object.values(recurrence.lstm(x, w, { h, c }, form)), {
        differentiable: [],
      }),
      sample(
        "peepholes, from h0, c0",
        [x, w, h, c, r(5, 3, H)],
        (x, w, h, c, p) => states(recurrence.lstm(x, w, { h, c }, form, p)),
        once,
      ),
      sample(
        "peepholes, from zeros",
        [x, w, r(5, 3, H)],
        (x, w, p) => recurrence.lstm(x, w, undefined, form, p).hs,
        once,
      ),
    ];
  }),
  lstmGrad: list((T, B, H, form) => {
    const [dhs, w, cs, gates] = [r(1, T + 1, B, H), r(2, 4 * H, H), r(3, T + 1, B, H), positive(4, T, B, 4 * H)];
    const build = (...inputs: Tensor[]) => apply(ops.lstmGrad, inputs, { cells: inputs.length === 5, form });
    const peeping = (...inputs: Tensor[]) => apply(ops.lstmGrad, inputs, { cells: true, peepholes: true, form });
    return [
      sample("dhs", [dhs, w, cs, gates], build, { differentiable: [] }),
      sample("dhs and dcs", [dhs, w, cs, gates, r(5, T + 1, B, H)], build, { differentiable: [] }),
      sample("peepholes", [dhs, w, cs, gates, r(6, 3, H), r(5, T + 1, B, H)], peeping, { differentiable: [] }),
    ];
  }),
  gru: list((T, B, H, form) => {
    const [x, w, bias, h] = [r(1, T, B, 3 * H), r(2, H, 3 * H), r(3, H), r(4, B, H)];
    return [
      sample("from h0", [x, w, bias, h], (x, w, b, h) => recurrence.gru(x, w, b, h, form).hs, once),
      sample("from zeros", [x, w, bias], (x, w, b) => recurrence.gru(x, w, b, undefined, form).hs, once),
      sample("the gates", [x, w, bias, h], (x, w, b, h) => Object.values(recurrence.gru(x, w, b, h, form)), {
        differentiable: [],
      }),
    ];
  }),
  gruGrad: list((T, B, H, form) => [
    sample(
      "dhs",
      [r(1, T + 1, B, H), r(2, 3 * H, H), r(3, T + 1, B, H), positive(4, T, B, 4 * H)],
      (dhs, w, hs, saved) => apply(ops.gruGrad, [dhs, w, hs, saved], { form }),
      { differentiable: [] },
    ),
  ]),
  gruResetBefore: list((T, B, H, form) => {
    const [x, w, h] = [r(1, T, B, 3 * H), r(2, H, 3 * H), r(3, B, H)];
    return [
      sample("from h0", [x, w, h], (x, w, h) => recurrence.gruResetBefore(x, w, h, form), once),
      sample("from zeros", [x, w], (x, w) => recurrence.gruResetBefore(x, w, undefined, form), once),
      sample("the gates", [x, w, h], (...inputs) => apply(ops.gruResetBefore, inputs, { initial: true, form }), {
        differentiable: [],
      }),
    ];
  }),
  gruResetBeforeGrad: list((T, B, H, form) => [
    sample(
      "dhs",
      [r(1, T + 1, B, H), r(2, 3 * H, H), r(3, T + 1, B, H), positive(4, T, B, 3 * H)],
      (dhs, w, hs, saved) => apply(ops.gruResetBeforeGrad, [dhs, w, hs, saved], { form }),
      { differentiable: [] },
    ),
  ]),

  reverseSequence: [
    sample("[5,3,2]", [random(f32(5, 3, 2)), given(i32(3), [5, 0, 3])], (x, n) => recurrence.reverseSequence(x, n)),
    sample("[4,2], i32", [random(i32(4, 2)), given(i32(2), [1, 4])], (x, n) => recurrence.reverseSequence(x, n)),
    // large enough for a lane to own several steps
    sample("[28,4,64]", [random(f32(28, 4, 64)), given(i32(4), [28, 0, 3, 9])], (x, n) =>
      recurrence.reverseSequence(x, n),
    ),
  ],
  netLoop: [
    sample(
      "2-3-1, 20 steps",
      [r(1, 13), r(2, 6, 3), given(u32(), [3]), given(u32(2), [7, 8])],
      (p, rows, step, key) => recurrence.netLoop(p, rows, step, key, { sizes: [2, 3, 1], steps: 20, rate: 0.5 }),
      { differentiable: [] },
    ),
  ],
  detach: [
    sample("[2,3]", [random(f32(2, 3))], (x) => x.detach(), { differentiable: [] }),
    sample("as a factor", [random(f32(2, 3)), random(f32(3))], (x, y) => x.detach().mul(y), { differentiable: [1] }),
  ],
} satisfies Partial<Record<OpName, readonly Sample[]>>;
