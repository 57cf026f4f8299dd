// The MNIST trainer: the net, the optimizer, training. Data come from elsewhere.
import { type Dataset, GpuDevice, type Progress } from "wgrad";
import { conv2d, dense, flatten, maxPool2d, sequential, softmaxCrossEntropy } from "wgrad/nn";
import { adam } from "wgrad/optim";
import { Trainer } from "wgrad/train";

async function train(data: Dataset, onProgress: (progress: Progress) => void): Promise<void> {
  const trainer = await Trainer.create({
    ...{ device: await GpuDevice.request(), data, batchSize: 64, seed: 1, loss: softmaxCrossEntropy },
    model: sequential(
      conv2d({ filters: 8, kernel: 3, activation: "relu" }),
      maxPool2d(2),
      conv2d({ filters: 16, kernel: 3, activation: "relu" }),
      maxPool2d(2),
      flatten(),
      dense({ units: 10 }),
    ),
    optimizer: adam({ learningRate: 2e-3 }),
  });
  for await (const progress of trainer.fit({ epochs: 1 })) onProgress(progress);
}

Object.assign(globalThis, { train });
