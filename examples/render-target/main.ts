// wgrad beside a renderer: a net trains on what the app has drawn, in the frame in which it was drawn. The render target is copied to a buffer on
// the GPU; that buffer is the data set.
import { Device, type DeviceArray, f32, nn, optim, type Tensor, Trainer, typesOf, u8 } from "wgrad";
import { byId, eachFrame, expose, start } from "../common/page.ts";
import { makeApp, pictures, side } from "./host.ts";

/** Pictures u8[N, side, side, 4] → colours f32[N, side, side, 3] about zero. */
const prepare = (x: Tensor) =>
  x
    .slice([0, 0, 0, 0], [x.shape[0]!, side, side, 3])
    .cast("f32")
    .mul(2 / 255)
    .sub(0.5);

/** → where the ball is, f32[N, 2]. */
const model = nn.functional(
  {
    shrink: nn.avgPool2d(2),
    first: nn.conv2d({ filters: 8, kernel: 3, stride: 2, activation: "relu" }),
    second: nn.conv2d({ filters: 16, kernel: 3, stride: 2, activation: "relu" }),
    flat: nn.flatten(),
    third: nn.dense({ units: 32, activation: "relu" }),
    last: nn.dense({ units: 2 }),
  },
  ({ shrink, first, second, flat, third, last }, x) => last(third(flat(second(first(shrink(x)))))).add(0.5),
);

type Params<T> = Record<"first" | "second" | "third" | "last", Record<"weight" | "bias", T>>;

start(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("This page needs WebGPU, and the browser has no adapter for it.");
  const gpu = await adapter.requestDevice();
  const app = makeApp(gpu, byId<HTMLCanvasElement>("stage"));

  const device = Device.from(gpu);
  const x = device.wrap(u8(pictures, side, side, 4), app.frames);
  const y = device.wrap(f32(pictures, 2), app.places);
  const trainer = await Trainer.create({
    ...{ device, model, prepare, data: { x, y }, batchSize: pictures, sampling: "sequential", seed: 1, loss: nn.mse },
    optimizer: optim.adam({ learningRate: 2e-3 }),
  });
  const inputs = { x, params: trainer.state.params as Params<DeviceArray> };
  const outputs = { guesses: device.wrap(f32(pictures, 2), app.guesses) };
  const look = await device.compile(
    ({ x, params }) => ({ guesses: nn.predict(model, { params, state: {} }, prepare(x)) }),
    typesOf(inputs),
    { label: "look" },
  );
  const { history, step } = trainer.state as Record<"history" | "step", ReturnType<typeof device.wrap>>;

  expose({ gpu, app, device, trainer });
  await eachFrame(gpu.queue, () => {
    const encoder = gpu.createCommandEncoder();
    app.draw(encoder);
    trainer.encode(encoder);
    look.encode(encoder, inputs, { outputs });
    app.present(encoder, history, step);
    gpu.queue.submit([encoder.finish()]);
    byId("steps").textContent = String(trainer.step);
  });
});
