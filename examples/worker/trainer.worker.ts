// The worker: it makes the trainer that the page asks for, and hosts it.
import { expose } from "comlink";
import { countOf, Device, fromUrl, mnist, nn, optim, Trainer, takeExamples } from "wgrad";
import { TrainerHost } from "wgrad/worker";

/** What the page may choose. */
export interface Setup {
  /** Where the four IDX files are. */
  readonly dataUrl: string;
  readonly learningRate: number;
  /** The first so many. Default: all, or fewer on a device that is none. */
  readonly examples?: number;
}

const host = new TrainerHost(async ({ dataUrl, learningRate, examples }: Setup) => {
  const [device, { train, test }] = await Promise.all([Device.request(), mnist({ read: fromUrl(dataUrl) })]);
  const model = nn.sequential(
    nn.conv2d({ filters: 8, kernel: 5, activation: "relu" }),
    nn.maxPool2d(2),
    nn.conv2d({ filters: 16, kernel: 3, activation: "relu" }),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.dense({ units: 10 }),
  );
  const trainer = await Trainer.create({
    ...{ device, model, batchSize: 64, seed: 1, loss: nn.softmaxCrossEntropy },
    data: takeExamples(train, 0, examples ?? (device.software ? 12_000 : countOf(train))),
    optimizer: optim.adam({ learningRate }),
  });
  return { trainer, test };
});

/** What the page connects to. */
export type Host = typeof host;

expose(host);
