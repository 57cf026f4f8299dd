// What every bundle and every way to load the package has to do in a browser: compile a product, and train a net.
import { Device, f32, i32, ndarray, nn, optim, type Tensor, Trainer } from "wgrad";
import { softmaxCrossEntropy } from "wgrad/nn";

export interface Done {
  readonly product: readonly number[];
  /** Before training and after. */
  readonly accuracies: readonly number[];
  readonly kind: string;
}

async function run(): Promise<Done> {
  const device = await Device.request();
  const types = { a: f32(2, 3), b: f32(3, 2) };
  const program = await device.compile(({ a, b }: Record<"a" | "b", Tensor>) => ({ c: a.matmul(b) }), types);
  const { c } = program.run(device.put({ a: ndarray(types.a, (i) => i), b: ndarray(types.b, (i) => i % 3) }));
  const product = [...(await c.read()).data];

  const inputs = Array.from({ length: 256 }, (_, i) => Math.sin(i));
  const data = {
    x: ndarray(f32(128, 2), (i) => inputs[i] as number),
    y: ndarray(i32(128), (i) => Number((inputs[2 * i] as number) > (inputs[2 * i + 1] as number))),
  };
  const trainer = await Trainer.create({
    ...{ device, data, batchSize: 32, seed: 1, loss: softmaxCrossEntropy },
    model: nn.sequential(nn.dense({ units: 8, activation: "tanh" }), nn.dense({ units: 2 })),
    optimizer: optim.adam({ learningRate: 0.05 }),
  });
  const before = await trainer.evaluate(data);
  for await (const _ of trainer.fit({ epochs: 10 }));
  const after = await trainer.evaluate(data);
  return { product, accuracies: [before, after].map((e) => e.accuracy as number), kind: device.kind };
}

Object.assign(globalThis, { done: run() });
