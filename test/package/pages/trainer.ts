// The README's first example, by the names that it uses: MNIST's files, a CNN, training and testing.
import { Device, fromUrl, mnist, nn, optim, type Progress, Trainer } from "wgrad";

async function train(report: (progress: Progress) => void): Promise<number | undefined> {
  const device = await Device.request();
  const model = nn.sequential(
    nn.conv2d({ filters: 8, kernel: 3, activation: "relu" }),
    nn.maxPool2d(2),
    nn.conv2d({ filters: 16, kernel: 3, activation: "relu" }),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.dense({ units: 10 }),
  );
  const { train, test } = await mnist({ read: fromUrl("/mnist") });
  const trainer = await Trainer.create({
    ...{ device, model, data: train, batchSize: 128, seed: 1 },
    loss: nn.softmaxCrossEntropy,
    optimizer: optim.adam({ learningRate: 2e-3 }),
  });
  for await (const progress of trainer.fit({ epochs: 2 })) report(progress);
  return (await trainer.evaluate(test)).accuracy;
}

Object.assign(globalThis, { train });
