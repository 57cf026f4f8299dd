// The decision boundary of the net of ten points, drawn by a render pipeline on the trainer's device: its fragment shader is the net, and
// reads the weights where the optimizer leaves them. Nothing is copied.
import type { DeviceArray, GpuArray, GpuDevice } from "wgrad";
import { drawPoints, points } from "../points.ts";
import { leavesOf } from "./programs.ts";
import type { Session } from "./session.ts";

/** Colours of the two classes, as 0 … 1. */
export interface Palette {
  readonly first: readonly [number, number, number];
  readonly second: readonly [number, number, number];
  readonly card: readonly [number, number, number];
}

const sizes = [2, 2, 3, 2];

const vec3 = (c: readonly number[]) => `vec3f(${c.map((v) => v.toFixed(4)).join(", ")})`;

/** A layer of the net, its weights [inputs, units] and biases [units] in words of the arena. */
function layerCode(l: number, weight: number, bias: number): string {
  const [inputs, units] = [sizes[l] as number, sizes[l + 1] as number];
  const unit = (j: number) => {
    const terms = Array.from({ length: inputs }, (_, i) => `arena[${weight + i * units + j}] * a${l}_${i}`);
    return `  let a${l + 1}_${j} = 1.0 / (1.0 + exp(-(arena[${bias + j}] + ${terms.join(" + ")})));`;
  };
  return Array.from({ length: units }, (_, j) => unit(j)).join("\n");
}

function shader(offsets: ReadonlyMap<string, number>, { first, second, card }: Palette): string {
  const layers = [0, 1, 2].map((l) =>
    layerCode(l, offsets.get(`dense${l}.weight`) as number, offsets.get(`dense${l}.bias`) as number),
  );
  const dots = points.map(([x, y]) => `vec2f(${x}, ${y})`).join(", ");
  return /* wgsl */ `
// All parameters of the net, as they lie in the optimizer's buffer.
@group(0) @binding(0) var<storage, read> arena: array<f32>;

struct Vertex { @builtin(position) position: vec4f, @location(0) at: vec2f }

/** One triangle that covers the square. */
@vertex fn corner(@builtin(vertex_index) i: u32) -> Vertex {
  let at = vec2f(f32(i & 1u) * 2.0, f32(i >> 1u) * 2.0);
  return Vertex(vec4f(at * 2.0 - 1.0, 0.0, 1.0), at);
}

const points = array<vec2f, 10>(${dots});

@fragment fn color(@location(0) at: vec2f) -> @location(0) vec4f {
  let a0_0 = at.x;
  let a0_1 = at.y;
${layers.join("\n")}
  let difference = a3_0 - a3_1;
  let class_color = select(${vec3(second)}, ${vec3(first)}, difference > 0.0);
  var shown = mix(${vec3(card)}, class_color, 0.12 + 0.4 * abs(difference));
  let slope = max(fwidth(difference), 1e-6);
  shown = mix(class_color, shown, smoothstep(0.8, 1.8, abs(difference) / slope));
  for (var k = 0u; k < 10u; k++) {
    let offset = at - points[k];
    // rings of the first class, crosses of the second
    let ring = abs(length(offset) - 0.018) - 0.0055;
    let turned = abs(vec2f(offset.x + offset.y, offset.x - offset.y) * 0.70711);
    let strokes = max(min(turned.x, turned.y) - 0.0055, max(turned.x, turned.y) - 0.026);
    let edge = select(strokes, ring, k < 5u);
    let ink = select(${vec3(second)}, ${vec3(first)}, k < 5u);
    shown = mix(ink, shown, smoothstep(0.0, max(fwidth(edge), 1e-6), edge));
  }
  return vec4f(shown, 1.0);
}`;
}

const isGpu = (device: { readonly kind: string }): device is GpuDevice => device.kind === "gpu";

/** Where the parameters lie: one buffer, and their offsets in words. */
function placesOf({ variables }: Session): { buffer: GPUBuffer; offsets: Map<string, number> } {
  const arrays = leavesOf<DeviceArray>(variables.arrays.params) as [string, GpuArray][];
  const [[, first]] = arrays as [[string, GpuArray]];
  return { buffer: first.gpuBuffer, offsets: new Map(arrays.map(([path, array]) => [path, array.offset / 4])) };
}

export class Boundary {
  readonly #canvas: OffscreenCanvas;
  #drawn: { readonly session: Session; readonly palette: Palette; readonly draw: () => void } | undefined;

  constructor(canvas: OffscreenCanvas) {
    this.#canvas = canvas;
  }

  /** Draws the net as it is now. */
  async draw(session: Session, palette: Palette): Promise<void> {
    if (!isGpu(session.device)) return drawOnCpu(session, this.#canvas, palette);
    if (
      this.#drawn?.session !== session ||
      String(Object.values(this.#drawn.palette)) !== String(Object.values(palette))
    )
      this.#drawn = { session, palette, draw: await this.#prepare(session, session.device, palette) };
    this.#drawn.draw();
  }

  async #prepare(session: Session, { gpu }: GpuDevice, palette: Palette): Promise<() => void> {
    const context = this.#canvas.getContext("webgpu") as GPUCanvasContext;
    const format = navigator.gpu.getPreferredCanvasFormat();
    context.configure({ device: gpu, format });
    const { buffer, offsets } = placesOf(session);
    const module = gpu.createShaderModule({ label: "boundary", code: shader(offsets, palette) });
    const pipeline = await gpu.createRenderPipelineAsync({
      label: "boundary",
      layout: "auto",
      vertex: { module },
      fragment: { module, targets: [{ format }] },
    });
    const layout = pipeline.getBindGroupLayout(0);
    const group = gpu.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
    return () => {
      const encoder = gpu.createCommandEncoder({ label: "boundary" });
      const view = context.getCurrentTexture().createView();
      const pass = encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: "clear", storeOp: "store" }] });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.draw(3);
      pass.end();
      gpu.queue.submit([encoder.finish()]);
    };
  }
}

const cells = 60;

/** The same without a GPU: the net's outputs at the cells of a grid, coarse. */
async function drawOnCpu(
  { trainer }: Session,
  canvas: OffscreenCanvas,
  { first, second, card }: Palette,
): Promise<void> {
  const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
  const data = Float64Array.from({ length: 2 * cells * cells }, (_, i) => {
    const cell = Math.floor(i / 2);
    return i % 2 === 0 ? ((cell % cells) + 0.5) / cells : 1 - (Math.floor(cell / cells) + 0.5) / cells;
  });
  const { data: outputs } = await trainer.predict({ dtype: "f32", shape: [cells * cells, 2], data });
  const css = (c: readonly number[]) => `rgb(${c.map((v) => Math.round(255 * v)).join(" ")})`;
  const [width, height] = [canvas.width / cells, canvas.height / cells];
  for (let k = 0; k < cells * cells; k++) {
    const difference = (outputs[2 * k] as number) - (outputs[2 * k + 1] as number);
    const strength = 0.12 + 0.4 * Math.abs(difference);
    const mixed = (difference > 0 ? first : second).map((v, i) => strength * v + (1 - strength) * (card[i] as number));
    context.fillStyle = css(mixed);
    context.fillRect((k % cells) * width, Math.floor(k / cells) * height, width + 1, height + 1);
  }
  drawPoints(context, canvas.width, [css(first), css(second)]);
}
