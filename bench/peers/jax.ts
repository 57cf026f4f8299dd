// jax-js: gather, gradient and Adam in one jit; NCHW and OIHW. Outputs are kept until the wait, since work whose result is disposed before
// it is dispatched is dropped. How many steps go by between waits is measured: the better of one and four.
import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad, vjp } from "@jax-js/jax";
import { JsClock, time } from "../measure.ts";
import { type LayerSpec, learningRate, tasks } from "../tasks.ts";
import {
  batches,
  firstBatch,
  type Kernel,
  type KernelRun,
  type Peer,
  type Start,
  type Training,
} from "./contestant.ts";

type Weights = { [name: string]: np.Array };

export async function jax(): Promise<Peer> {
  await init("webgpu");
  defaultDevice("webgpu");
  return { training, kernel };
}

const array = (data: ArrayLike<number>, shape: readonly number[]) =>
  np.array(Float32Array.from(data), { shape: [...shape] });

async function training(start: Start): Promise<Training> {
  const { input, layers } = tasks[start.task];
  const { batchSize } = start;
  const count = start.labels.length;
  const image = input.length === 3 ? [input[2], input[0], input[1]] : input;
  const xs = array(start.images, [count, ...(image as number[])]);
  const ys = np.array(start.labels, { shape: [count], dtype: np.int32 });
  let params = weightsOf(start);
  let [m, v] = [0, 1].map(() => tree.map((p: np.Array) => np.zeros(p.shape), tree.ref(params))) as [
    Weights[],
    Weights[],
  ];
  let t = np.array(0);

  const loss = (p: Weights[], x: np.Array, y: np.Array): np.Array =>
    nn
      .logSoftmax(forward(layers, p, x))
      .mul(nn.oneHot(y, 10))
      .sum()
      .mul(-1 / batchSize);
  const step = jit(
    (p: Weights[], m: Weights[], v: Weights[], t: np.Array, xs: np.Array, ys: np.Array, rows: np.Array) => {
      const [value, g] = valueAndGrad(loss)(tree.ref(p), xs.slice(rows.ref), ys.slice(rows)) as [np.Array, Weights[]];
      const next = t.add(1);
      return [value, ...adam(p, m, v, g, next.ref), next] as [np.Array, Weights[], Weights[], Weights[], np.Array];
    },
  );
  const run = (rows: Int32Array): np.Array => {
    const index = np.array(rows, { dtype: np.int32 });
    const [value, ...state] = step(params, m, v, t, xs.ref, ys.ref, index) as [
      np.Array,
      Weights[],
      Weights[],
      Weights[],
      np.Array,
    ];
    [params, m, v, t] = state;
    return value;
  };

  const next = batches(count, batchSize);
  let stepsPerWait = 0;
  const steps = async (count: number, perWait: number): Promise<number> => {
    const clock = new JsClock();
    for (let i = 0; i < count; i += perWait) {
      const kept: np.Array[] = [];
      for (let k = i; k < Math.min(count, i + perWait); k++) clock.run(() => kept.push(run(next())));
      // the wait dispatches what is pending before it returns: that is JavaScript too
      await clock.run(() => blockUntilReady([kept, params]));
      clock.run(() => tree.dispose(kept));
    }
    return clock.milliseconds;
  };
  return {
    async work(count) {
      if (!stepsPerWait) {
        await steps(4, 4);
        const times = [];
        for (const k of [1, 4]) times.push((await time((n) => steps(n, k), 8)).milliseconds);
        stepsPerWait = (times[0] as number) <= (times[1] as number) ? 1 : 4;
      }
      return steps(count, stepsPerWait);
    },
    async losses(count) {
      const found: number[] = [];
      for (let i = 0; i < count; i++) found.push((await run(firstBatch(i, batchSize)).data())[0] as number);
      return found;
    },
    dispose: () => {
      tree.dispose([xs, ys, params, m, v, t]);
      step.dispose();
    },
  };
}

/** Adam for all parameters; `t` counts from 1. */
function adam(
  params: Weights[],
  m: Weights[],
  v: Weights[],
  g: Weights[],
  t: np.Array,
): [Weights[], Weights[], Weights[]] {
  const [b1, b2] = [0.9, 0.999];
  const one = (b: number) => np.array(1).sub(np.power(np.array(b), t.ref));
  const [c1, c2] = [one(b1), one(b2)];
  t.dispose();
  const zip = (f: (...a: np.Array[]) => np.Array, ...trees: Weights[][]): Weights[] =>
    (trees[0] as Weights[]).map((w, i) =>
      Object.fromEntries(Object.keys(w).map((k) => [k, f(...trees.map((tree) => tree[i]?.[k] as np.Array))])),
    );
  const nextM = zip((m, g) => m.mul(b1).add(g.mul(1 - b1)), m, tree.ref(g));
  const nextV = zip((v, g) => v.mul(b2).add(np.square(g).mul(1 - b2)), v, g);
  const nextP = zip(
    (p, m, v) =>
      p.sub(
        m
          .div(c1.ref)
          .mul(learningRate)
          .div(np.sqrt(v.div(c2.ref)).add(1e-8)),
      ),
    params,
    tree.ref(nextM),
    tree.ref(nextV),
  );
  tree.dispose([c1, c2]);
  return [nextP, nextM, nextV];
}

const activations = { relu: nn.relu, tanh: np.tanh, leakyRelu: (x: np.Array) => nn.leakyRelu(x, 0.01) };

/** The common weights in this library's layout; the rows of a dense layer behind a flatten are in the order of NCHW. */
function weightsOf({ task, weights }: Start): Weights[] {
  const { layers } = tasks[task];
  let channels = 0;
  return weights.map((w, i) => {
    const layer = layers[i] as LayerSpec;
    if (layer.kind === "conv") {
      channels = layer.filters;
      const filter = array(w.weight!.data, w.weight!.shape);
      return { weight: np.transpose(filter, [3, 2, 0, 1]), bias: array(w.bias!.data, [channels, 1, 1]) };
    }
    const own = Object.fromEntries(Object.entries(w).map(([k, { data, shape }]) => [k, array(data, shape)]));
    if (layer.kind === "dense" && layers[i - 1]?.kind === "flatten") {
      const [rows, units] = w.weight!.shape as [number, number];
      own.weight = np
        .transpose(own.weight!.reshape([rows / channels, channels, units]), [1, 0, 2])
        .reshape([rows, units]);
    }
    return own;
  });
}

function forward(layers: readonly LayerSpec[], params: Weights[], input: np.Array): np.Array {
  const apply = (layer: LayerSpec, x: np.Array, w: Weights): np.Array => {
    switch (layer.kind) {
      case "conv": {
        const stride = layer.stride ?? 1;
        const y = lax.convGeneralDilated(x, w.weight!, [stride, stride], layer.padding === "same" ? "SAME" : "VALID");
        return activations[layer.activation](y.add(w.bias!));
      }
      case "dense": {
        const y = np.dot(x, w.weight!).add(w.bias!);
        return layer.activation ? activations[layer.activation](y) : y;
      }
      case "lstm":
        return lstm(x, w, layer.units);
      case "maxPool":
        return lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
      case "avgPool":
        return lax.reduceWindow(x, np.mean, [2, 2], [2, 2]);
      case "flatten":
        return x.reshape([x.shape[0] as number, -1]);
    }
  };
  return layers.reduce((x, layer, i) => apply(layer, x, params[i] as Weights), input);
}

/** x·Wx for all times at once, then a product a step. */
function lstm(x: np.Array, w: Weights, units: number): np.Array {
  const [batch, time] = x.shape as [number, number];
  const fromX = np.dot(x, w.wx!).add(w.bias!);
  let [h, c] = [np.zeros([batch, units]), np.zeros([batch, units])];
  for (let t = 0; t < time; t++) {
    const z = fromX.ref.slice([], t).add(np.dot(h, w.wh!.ref));
    const gate = (k: number) => z.ref.slice([], [k * units, (k + 1) * units]);
    const [i, f, g, o] = [nn.sigmoid(gate(0)), nn.sigmoid(gate(1)), np.tanh(gate(2)), nn.sigmoid(gate(3))];
    z.dispose();
    c = f.mul(c).add(i.mul(g));
    h = o.mul(np.tanh(c.ref));
  }
  tree.dispose([fromX, w.wh!, c]);
  return h;
}

async function kernel({ kind, inputs }: Kernel): Promise<KernelRun> {
  const nchw = kind !== "matmul";
  const [a, b] = inputs.map(({ shape, data }, i) => {
    const value = array(data, shape);
    if (!nchw) return value;
    return np.transpose(value, i === 1 && kind !== "convFilterGrad" ? [3, 2, 0, 1] : [0, 3, 1, 2]);
  }) as [np.Array, np.Array];
  await blockUntilReady([a, b]);
  const conv = (x: np.Array, w: np.Array) => lax.convGeneralDilated(x, w, [1, 1], "SAME");
  const [n, h, wd, c] = (inputs[0] as Kernel["inputs"][number]).shape as [number, number, number, number];
  const last = (inputs[1] as Kernel["inputs"][number]).shape;
  const run = jit(
    {
      matmul: (a: np.Array, b: np.Array) => np.matmul(a, b),
      conv,
      convInputGrad: (dy: np.Array, w: np.Array) =>
        (
          vjp((x: np.Array) => conv(x, w), [np.zeros([n, last[2] as number, h, wd])])[1](dy) as np.Array[]
        )[0] as np.Array,
      convFilterGrad: (x: np.Array, dy: np.Array) =>
        (
          vjp((w: np.Array) => conv(x, w), [np.zeros([last[3] as number, c, 3, 3])])[1](dy) as np.Array[]
        )[0] as np.Array,
    }[kind],
  );
  return {
    async work(count) {
      const clock = new JsClock();
      for (let i = 0; i < count; i += 16) {
        const kept: np.Array[] = [];
        for (let k = i; k < Math.min(count, i + 16); k++) clock.run(() => kept.push(run(a.ref, b.ref) as np.Array));
        await clock.run(() => blockUntilReady(kept));
        tree.dispose(kept);
      }
      return clock.milliseconds;
    },
    async result() {
      const y = run(a.ref, b.ref) as np.Array;
      const order = !nchw ? null : kind === "convFilterGrad" ? [2, 3, 1, 0] : [0, 2, 3, 1];
      return (await (order ? np.transpose(y, order) : y).data()) as Float32Array;
    },
    dispose: () => {
      tree.dispose([a, b]);
      run.dispose();
    },
  };
}
