// The list of what can be looked into, for the page; the nets themselves are the worker's (programs.ts).

export interface Example {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  /** Of an expression: its text, to be changed at will. */
  readonly text?: string;
}

export const nets: readonly Example[] = [
  {
    id: "mlp",
    name: "MLP, a training step",
    about: "784-128-10 with ReLU, a batch of 32, softmax cross-entropy and Adam.",
  },
  {
    id: "cnn",
    name: "CNN, a training step",
    about: "Two convolutions with max-pooling and a dense layer, a batch of 8, softmax cross-entropy and Adam.",
  },
  {
    id: "lstm",
    name: "LSTM, a training step",
    about: "16 units over 8 time steps, a batch of 16, softmax cross-entropy and Adam.",
  },
];

export const expressions: readonly Example[] = [
  {
    id: "dense",
    name: "A dense layer",
    about: "Bias and activation ride on the matrix product: one kernel.",
    text: `compile(
  ({ x, w, b }) => ({ y: x.matmul(w).add(b).relu() }),
  { x: f32(512, 64), w: f32(64, 64), b: f32(64) },
);`,
  },
  {
    id: "gradient",
    name: "Its gradient",
    about: "Forward and backward in one graph; δ is a product with the derivative as its epilogue.",
    text: `compile(
  ({ x, w, b, target }) => {
    const y = x.matmul(w).add(b).tanh();
    const loss = y.sub(target).square().mean();
    const [dw, db] = grad(loss, [w, b]);
    return { loss, dw, db };
  },
  { x: f32(32, 64), w: f32(64, 16), b: f32(16), target: f32(32, 16) },
);`,
  },
  {
    id: "descent",
    name: "Gradient descent, in place",
    about: "w is carried: each run replaces it by its next value, where it lies.",
    text: `compile(
  ({ w, x, y }) => {
    const loss = x.matmul(w).sub(y).square().mean();
    const [dw] = grad(loss, [w]);
    return { w: w.sub(dw.mul(0.1)), loss };
  },
  { w: f32(8, 1), x: f32(32, 8), y: f32(32, 1) },
  { carry: ["w"] },
);`,
  },
  {
    id: "attention",
    name: "Attention",
    about: "softmax(QKᵀ/√d)·V: the softmax's maximum and sum ride on the first product.",
    text: `compile(
  ({ q, k, v }) => {
    const scores = q.matmul(k.transpose()).mul(1 / Math.sqrt(16));
    return { y: scores.softmax(-1).matmul(v) };
  },
  { q: f32(24, 16), k: f32(24, 16), v: f32(24, 16) },
);`,
  },
  {
    id: "norm",
    name: "Layer normalisation",
    about: "Two passes over each row, and a gradient that needs both.",
    text: `compile(
  ({ x, gain }) => {
    const centred = x.sub(x.mean(-1, true));
    const y = centred.mul(centred.square().mean(-1, true).add(1e-5).rsqrt()).mul(gain);
    const [dx, dgain] = grad(y.tanh().sum(), [x, gain]);
    return { y, dx, dgain };
  },
  { x: f32(32, 24), gain: f32(24) },
);`,
  },
];
