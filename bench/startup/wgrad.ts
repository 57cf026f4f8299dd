// The smallest page that trains the CNN with wgrad.
import { GpuDevice } from "../../src/gpu/device.ts";
import { conv2d, dense, flatten, maxPool2d } from "../../src/nn/layers.ts";
import { softmaxCrossEntropy } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { adam } from "../../src/optim/rules.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { JsClock } from "../measure.ts";
import { batchSize, learningRate } from "../tasks.ts";
import { readImages, startUp } from "./measure.ts";

Object.assign(globalThis, {
  startUp: startUp(async () => {
    const [{ pixels, labels }, device] = await Promise.all([readImages(), GpuDevice.request()]);
    const trainer = await Trainer.create({
      device,
      model: sequential(
        conv2d({ filters: 8, kernel: 3, activation: "relu" }),
        maxPool2d(2),
        conv2d({ filters: 16, kernel: 3, activation: "relu" }),
        maxPool2d(2),
        flatten(),
        dense({ units: 10 }),
      ),
      data: {
        x: { dtype: "u8", shape: [labels.length, 28, 28, 1], data: pixels },
        y: { dtype: "u8", shape: [labels.length], data: labels },
      },
      ...{ batchSize, loss: softmaxCrossEntropy, optimizer: adam({ learningRate }), seed: 1 },
    });
    return {
      async work(steps) {
        const clock = new JsClock();
        clock.run(() => trainer.program.run({ state: trainer.state, data: trainer.data }, { repeat: steps }));
        await device.synchronize();
        return clock.milliseconds;
      },
    };
  }, 16),
});
