// The host: an app in plain WebGPU that draws small pictures of a ball into a render target, and shows them. It knows nothing of wgrad: guesses
// and losses come in buffers.
import { draw, present, simulate } from "./shaders.ts";

/** Pictures a frame, and their side in pixels: a row of pixels of one is 256 bytes, what a copy from a texture wants. */
export const pictures = 16;
export const side = 64;

/** Where a value lies in a buffer. */
interface Binding {
  readonly gpuBuffer: GPUBuffer;
  readonly offset: number;
  readonly byteLength: number;
}

/** The app on a device and a canvas: its buffers, and what it records for a frame. */
export function makeApp(gpu: GPUDevice, canvas: HTMLCanvasElement) {
  canvas.width = innerWidth * devicePixelRatio;
  canvas.height = innerHeight * devicePixelRatio;
  const context = canvas.getContext("webgpu") as GPUCanvasContext;
  const format = navigator.gpu.getPreferredCanvasFormat();
  context.configure({ device: gpu, format, alphaMode: "opaque" });

  // one above the other, so that a copy lays out u8[pictures, side, side, 4]
  const { RENDER_ATTACHMENT, COPY_SRC, TEXTURE_BINDING } = GPUTextureUsage;
  const target = gpu.createTexture({
    label: "pictures",
    size: [side, side * pictures],
    format: "rgba8unorm",
    usage: RENDER_ATTACHMENT | COPY_SRC | TEXTURE_BINDING,
  });
  const buffer = (label: string, size: number, usage = 0) =>
    gpu.createBuffer({ label, size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | usage });
  const frames = buffer("frames", 4 * side * side * pictures, GPUBufferUsage.COPY_DST);
  const places = buffer("places", 8 * pictures);
  const guesses = buffer("guesses", 8 * pictures);
  const clock = buffer("clock", 16);

  const module = (code: string) => gpu.createShaderModule({ code });
  const simulator = gpu.createComputePipeline({ layout: "auto", compute: { module: module(simulate) } });
  const drawer = renderPipeline(draw, "tile", "scene", "rgba8unorm", "triangle-strip");
  const presenter = renderPipeline(present, "tile", "picture", format, "triangle-strip");
  const plotter = renderPipeline(present, "point", "line", format, "line-strip");

  function renderPipeline(
    code: string,
    vertex: string,
    fragment: string,
    format: GPUTextureFormat,
    topology: GPUPrimitiveTopology,
  ): GPURenderPipeline {
    const shader = module(code);
    return gpu.createRenderPipeline({
      layout: "auto",
      vertex: { module: shader, entryPoint: vertex },
      fragment: { module: shader, entryPoint: fragment, targets: [{ format }] },
      primitive: { topology },
    });
  }

  const group = (pipeline: GPUComputePipeline | GPURenderPipeline, resources: readonly GPUBindingResource[]) =>
    gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: resources.map((resource, binding) => ({ binding, resource })),
    });
  const simulation = group(simulator, [{ buffer: places }, { buffer: clock }]);
  const scene = group(drawer, [{ buffer: places }, { buffer: clock }]);
  const shown = group(presenter, [
    target.createView(),
    gpu.createSampler({ magFilter: "linear" }),
    { buffer: guesses },
    { buffer: places },
  ]);
  let plot: GPUBindGroup | undefined;

  const pass = (encoder: GPUCommandEncoder, view: GPUTextureView) =>
    encoder.beginRenderPass({
      colorAttachments: [{ view, clearValue: [0.043, 0.055, 0.078, 1], loadOp: "clear", storeOp: "store" }],
    });

  return {
    frames,
    places,
    guesses,
    /** Moves the balls, draws the pictures, and copies them to `frames`. */
    draw(encoder: GPUCommandEncoder) {
      const compute = encoder.beginComputePass();
      compute.setPipeline(simulator);
      compute.setBindGroup(0, simulation);
      compute.dispatchWorkgroups(1);
      compute.end();
      const render = pass(encoder, target.createView());
      render.setPipeline(drawer);
      render.setBindGroup(0, scene);
      render.draw(4, pictures);
      render.end();
      encoder.copyTextureToBuffer(
        { texture: target },
        { buffer: frames, bytesPerRow: 4 * side, rowsPerImage: side * pictures },
        [side, side * pictures],
      );
    },
    /** Shows the pictures with the guesses, and the curve of losses[step mod 1024]. */
    present(encoder: GPUCommandEncoder, losses: Binding, step: Binding) {
      plot ??= group(
        plotter,
        [losses, step].map(({ gpuBuffer, offset, byteLength }) => ({ buffer: gpuBuffer, offset, size: byteLength })),
      );
      const { width, height } = canvas;
      const wide = width > height;
      const size = Math.min(wide ? 0.62 * width : width, height) * 0.92;
      const [left, top] = wide
        ? [width - size - 0.04 * height, (height - size) / 2]
        : [(width - size) / 2, 0.04 * height];
      const render = pass(encoder, context.getCurrentTexture().createView());
      render.setViewport(left, top, size, size, 0, 1);
      render.setPipeline(presenter);
      render.setBindGroup(0, shown);
      render.draw(4, pictures);
      if (wide) {
        render.setViewport(0.04 * height, top, left - 0.08 * height, 0.3 * height, 0, 1);
        render.setPipeline(plotter);
        render.setBindGroup(0, plot);
        render.draw(256);
      }
      render.end();
    },
  };
}
