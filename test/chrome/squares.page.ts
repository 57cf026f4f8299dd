// The smallest use of WebGPU: squares of 0 … n - 1, one invocation each. Runs in a page (adapter.test.ts) and in Node.

import type { PageModule } from "../../src/cli/page.ts";

export interface Facts {
  vendor: string;
  isolated: boolean;
  mnistBytes: number;
}

const main: PageModule<{ n: number }, string, { numbers: number[]; facts: Facts }> = async ({ n }, send) => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("no adapter");
  send(`adapter: ${adapter.info.vendor}`);
  const numbers = await squares(navigator.gpu, n);
  send(`computed ${numbers.length}`);
  const images = await fetch("/data/mnist/train-images-idx3-ubyte");
  const { vendor } = adapter.info;
  return {
    numbers,
    facts: { vendor, isolated: crossOriginIsolated, mnistBytes: (await images.arrayBuffer()).byteLength },
  };
};
export default main;

export async function squares(gpu: GPU, n: number): Promise<number[]> {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("squares: no adapter");
  const device = await adapter.requestDevice();
  const size = 4 * n;
  const storage = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const code = /* wgsl */ `
    @group(0) @binding(0) var<storage, read_write> squares: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&squares)) { squares[id.x] = id.x * id.x; }
    }`;
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }) },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: storage } }],
    }),
  );
  pass.dispatchWorkgroups(Math.ceil(n / 64));
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const numbers = [...new Uint32Array(staging.getMappedRange())];
  device.destroy();
  return numbers;
}
