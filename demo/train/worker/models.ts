// The tasks as the worker trains them: model, loss, data and optimizer, in public names of wgrad alone.
import { concat, type Dataset, nn, optim, type Tensor, type Trainer, takeExamples } from "wgrad";
import { type OptimizerName, type Setup, tasks } from "../tasks.ts";
import { additions, loadMnist, loadText, pointData, type Text, windows } from "./data.ts";

type Settings = Pick<
  Parameters<typeof Trainer.create>[0],
  "data" | "model" | "loss" | "optimizer" | "sampling" | "prepare"
>;

export interface Made {
  readonly settings: Settings & { readonly data: Dataset };
  /** The layers of a sequential model, whose activations can be shown. */
  readonly layers: readonly nn.Layer[];
  readonly test?: Dataset;
  readonly text?: Text;
}

const { conv2d, dense, flatten, lstm, maxPool2d, reshape, rnn, sequential } = nn;

const optimizerOf = (name: OptimizerName, options: optim.OptimizerOptions): optim.Optimizer => optim[name](options);

const imageLayers = {
  "mnist-cnn": () => [
    conv2d({ filters: 8, kernel: 3, activation: "relu" }),
    maxPool2d(2),
    conv2d({ filters: 16, kernel: 3, activation: "relu" }),
    maxPool2d(2),
    flatten(),
    dense({ units: 10 }),
  ],
  "mnist-mlp": () => [flatten(), dense({ units: 128, activation: "relu" }), dense({ units: 10 })],
  "mnist-lstm": () => [reshape(28, 28), lstm({ units: 128, returns: "last" }), dense({ units: 10 })],
};

export const textSizes = { units: 128, embedding: 32, window: 32 } as const;
const addingLength = 60;

export async function makeTask(setup: Setup, mnistFolder: string): Promise<Made> {
  const { task, batch, learningRate, optimizer, seed } = setup;
  const plain = () => optimizerOf(optimizer, { learningRate });
  switch (tasks[task].kind) {
    case "images": {
      const { train, test } = await loadMnist(mnistFolder);
      const layers = imageLayers[task as keyof typeof imageLayers]();
      const data = takeExamples(train, 0, setup.images);
      const settings = { data, model: sequential(...layers), loss: nn.softmaxCrossEntropy, optimizer: plain() };
      return { settings, layers, test };
    }
    case "text": {
      const text = await loadText();
      const size = text.alphabet.length;
      const layers = [
        nn.embedding({ size, units: textSizes.embedding }),
        lstm({ units: textSizes.units, stateful: true }),
        dense({ units: size }),
      ];
      const loss: nn.Loss = (logits, target, options) => logits.softmaxCrossEntropy(target.cast("i32"), options ?? {});
      const settings: Made["settings"] = {
        ...{ data: windows(text, batch, textSizes.window), model: sequential(...layers), loss, sampling: "sequential" },
        prepare: (x) => x.cast("i32"),
        optimizer: optimizerOf(optimizer, { learningRate, clip: optim.clipByGlobalNorm(1) }),
      };
      return { settings, layers, text };
    }
    case "adding": {
      const model = nn.functional(
        {
          rnn: sequential(rnn({ units: 32, returns: "last" }), dense({ units: 1 })),
          lstm: sequential(lstm({ units: 32, returns: "last", forgetBias: 3 }), dense({ units: 1 })),
        },
        ({ rnn, lstm }, x) => concat([rnn(x), lstm(x)], 1),
      );
      const settings: Made["settings"] = {
        ...{ data: additions(8192, addingLength, 2 * seed), model, loss: sumOfBoth },
        optimizer: optimizerOf(optimizer, { learningRate, clip: clipEach }),
      };
      return { settings, layers: [], test: additions(256, addingLength, 2 * seed + 1) };
    }
    case "points": {
      const layers = [2, 3, 2].map((units) =>
        dense({ units, activation: "sigmoid", initialiser: nn.initialisers.normal(0, 0.5) }),
      );
      const halfSquare: nn.Loss = (a, y) => a.sub(y).square().sum(1).mean().mul(0.5);
      const settings = { data: pointData(), model: sequential(...layers), loss: halfSquare, optimizer: plain() };
      return { settings, layers };
    }
  }
}

/** The squared errors [N, 2] of both nets against one target [N, 1]: each net's gradient is what it would be alone. */
const sumOfBoth: nn.Loss = (both: Tensor, target: Tensor) =>
  both.sub(target.broadcastTo(both.shape)).square().mean(0).sum();

/** Clips the gradients of each net by its own norm. */
const clipEach: optim.GradientTransform = (gradients) =>
  Object.fromEntries(
    Object.entries(gradients as Record<string, typeof gradients>).map(([net, own]) => [
      net,
      optim.clipByGlobalNorm(1)(own),
    ]),
  );
