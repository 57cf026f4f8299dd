// wgrad in a simulation: a net trains on the app's device, and is asked in every step where the particles go. It reads their positions from the
// app's buffer and leaves velocities in another, between two kernels of the app's.
import { Device, type DeviceArray, f32, nn, optim, Trainer, typesOf } from "wgrad";
import { byId, eachFrame, expose, start } from "../common/page.ts";
import { flow, flowData, model, type Params } from "./flow.ts";
import { count, makeApp } from "./host.ts";

start(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("This page needs WebGPU, and the browser has no adapter for it.");
  const gpu = await adapter.requestDevice();
  const app = makeApp(gpu, byId<HTMLCanvasElement>("stage"));

  const device = Device.from(gpu);
  const trainer = await Trainer.create({
    ...{ device, model, data: flowData(16384), batchSize: 256, seed: 1, loss: nn.mse },
    optimizer: optim.adam({ learningRate: optim.exponentialDecay({ learningRate: 0.01, factor: 0.5, every: 1000 }) }),
  });
  const inputs = {
    particles: device.wrap(f32(count, 4), app.particles),
    params: trainer.state.params as Params<DeviceArray>,
  };
  const outputs = { velocities: device.wrap(f32(count, 3), app.velocities) };
  const step = await device.compile(flow, typesOf(inputs), { label: "flow" });

  expose({ gpu, app, device, trainer });
  await eachFrame(gpu.queue, () => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    trainer.encode(pass, { steps: 2 });
    step.encode(pass, inputs, { outputs });
    app.move(pass);
    pass.end();
    app.draw(encoder);
    gpu.queue.submit([encoder.finish()]);
    byId("steps").textContent = String(trainer.step);
  });
});
