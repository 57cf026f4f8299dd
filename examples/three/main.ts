// wgrad in three.js: on three's own device a net trains in every frame, then writes vertices and normals into three's vertex buffers.
import * as THREE from "three/webgpu";
import { Device, type DeviceArray, f32, ndarray, nn, optim, Trainer, typesOf } from "wgrad";
import { byId, eachFrame, expose, start } from "../common/page.ts";
import { frameOf, model, type Params } from "./net.ts";
import { makeScene } from "./scene.ts";
import { rays, shapeData } from "./shapes.ts";

start(async () => {
  const canvas = byId<HTMLCanvasElement>("stage");
  const renderer = new THREE.WebGPURenderer({ canvas, antialias: true });
  await renderer.init();
  renderer.setSize(innerWidth, innerHeight, false);
  const { scene, camera, mesh } = makeScene(innerWidth, innerHeight);
  renderer.render(scene, camera); // three makes its buffers

  // three's device, and its buffers as arrays
  const backend = renderer.backend as unknown as { device: GPUDevice; get(of: object): { buffer: GPUBuffer } };
  const device = Device.from(backend.device);
  const { position, normal } = mesh.geometry.attributes as Record<"position" | "normal", THREE.BufferAttribute>;
  const outputs = {
    positions: device.wrap(f32(position.count, 4), backend.get(position).buffer),
    normals: device.wrap(f32(normal.count, 4), backend.get(normal).buffer),
  };

  const trainer = await Trainer.create({
    ...{ device, model, data: shapeData(8192), batchSize: 256, seed: 1, loss: nn.mse },
    optimizer: optim.adam({ learningRate: optim.exponentialDecay({ learningRate: 0.01, factor: 0.5, every: 800 }) }),
  });
  const inputs = {
    ...device.put({ time: ndarray(f32(), [0]) }),
    ...device.put({ rays: rays(position.array as Float32Array) }),
    params: trainer.state.params as Params<DeviceArray>,
  };
  const move = await device.compile(frameOf, typesOf(inputs), { carry: ["time"], label: "move" });

  expose({ device, trainer, inputs, outputs });
  await eachFrame(device.gpu.queue, () => {
    const encoder = device.gpu.createCommandEncoder();
    trainer.encode(encoder, { steps: 4 });
    move.encode(encoder, inputs, { outputs });
    device.gpu.queue.submit([encoder.finish()]);
    renderer.render(scene, camera);
    byId("steps").textContent = String(trainer.step);
  });
});
