// The host: a small particle app in plain WebGPU, with a kernel that moves the particles and a pipeline that draws them. It knows nothing of
// wgrad; velocities come from outside.
import { reach } from "./flow.ts";

export const count = 16384;

/** Particles: position and age. Velocities: three numbers each. Clock: frames so far. */
const declarations = /* wgsl */ `
override aspect: f32 = 1;
override shift: f32 = 0;
@group(0) @binding(0) var<storage, READ_WRITE> particles: array<vec4f>;
@group(0) @binding(1) var<storage, READ> velocities: array<f32>;
@group(0) @binding(2) var<storage, READ_WRITE> clock: array<u32>;
fn velocity(i: u32) -> vec3f { return vec3f(velocities[3 * i], velocities[3 * i + 1], velocities[3 * i + 2]); }
`;

const move = /* wgsl */ `
${declarations.replaceAll("READ_WRITE", "read_write").replaceAll("READ", "read")}
fn hash(n: u32) -> u32 { // PCG (O'Neill 2014)
  let s = n * 747796405u + 2891336453u;
  let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
  return (w >> 22u) ^ w;
}
fn random(n: u32) -> f32 { return f32(hash(n)) / 4294967296.0; }

@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i == 0) { clock[0] += 1; }
  var p = particles[i];
  p = vec4f(p.xyz + 0.06 * velocity(i), p.w + 1);
  let out = any(abs(p.xyz) > vec3f(${reach}));
  if (p.w < 2 || out || random(i + ${count}u * u32(p.w)) < 0.0015) { // begin anew, at an age of its own
    let seed = 3u * (i + ${count}u * (u32(p.w) + hash(i) % 1000u));
    p = vec4f((vec3f(random(seed), random(seed + 1), random(seed + 2)) - 0.5) * ${1.6 * reach}, 2);
  }
  particles[i] = p;
}`;

const draw = /* wgsl */ `
${declarations.replaceAll("READ_WRITE", "read").replaceAll("READ", "read")}
struct Corner { @builtin(position) position: vec4f, @location(0) at: vec2f, @location(1) color: vec3f }

@vertex fn corner(@builtin(vertex_index) v: u32, @builtin(instance_index) i: u32) -> Corner {
  let angle = 0.004 * f32(clock[0]);
  let p = particles[i].xyz;
  let turned = vec3f(p.x * cos(angle) + p.z * sin(angle), p.y, p.z * cos(angle) - p.x * sin(angle));
  let tilted = vec3f(turned.x, 0.92 * turned.y - 0.39 * turned.z, 0.39 * turned.y + 0.92 * turned.z);
  let depth = 12.0 - tilted.z;
  let at = vec2f(f32(v & 1u), f32(v >> 1u)) * 2 - 1;
  let near = 2.3 / depth;
  let place = vec2f(tilted.x / aspect, tilted.y) * near + at * vec2f(1 / aspect, 1) * 0.03 * near + vec2f(shift, 0);
  let direction = normalize(velocity(i) + 1e-6);
  let color = mix(vec3f(0.25, 0.45, 1.0), vec3f(1.0, 0.55, 0.25), 0.5 + 0.5 * direction) * (0.25 + 0.9 * near);
  return Corner(vec4f(place, 0, 1), at, color);
}

@fragment fn glow(in: Corner) -> @location(0) vec4f {
  return vec4f(in.color * max(0, 1 - dot(in.at, in.at)), 1);
}`;

/** The app on a device and a canvas: its buffers, and what it records for a frame. */
export function makeApp(gpu: GPUDevice, canvas: HTMLCanvasElement) {
  canvas.width = innerWidth * devicePixelRatio;
  canvas.height = innerHeight * devicePixelRatio;
  const context = canvas.getContext("webgpu") as GPUCanvasContext;
  const format = navigator.gpu.getPreferredCanvasFormat();
  context.configure({ device: gpu, format, alphaMode: "opaque" });

  const buffer = (label: string, size: number) =>
    gpu.createBuffer({ label, size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const particles = buffer("particles", 16 * count);
  const velocities = buffer("velocities", 12 * count);
  const clock = buffer("clock", 16);

  const mover = gpu.createComputePipeline({
    layout: "auto",
    compute: { module: gpu.createShaderModule({ code: move }) },
  });
  const module = gpu.createShaderModule({ code: draw });
  const wide = innerWidth > innerHeight;
  const add = { srcFactor: "one", dstFactor: "one" } as const;
  const drawer = gpu.createRenderPipeline({
    layout: "auto",
    vertex: { module, constants: { aspect: innerWidth / innerHeight, shift: wide ? 0.3 : 0 } },
    fragment: { module, targets: [{ format, blend: { color: add, alpha: add } }] },
    primitive: { topology: "triangle-strip" },
  });
  const groupOf = (pipeline: GPUComputePipeline | GPURenderPipeline) =>
    gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [particles, velocities, clock].map((b, binding) => ({ binding, resource: { buffer: b } })),
    });
  const [moverGroup, drawerGroup] = [groupOf(mover), groupOf(drawer)];

  return {
    particles,
    velocities,
    /** Moves the particles by their velocities. */
    move(pass: GPUComputePassEncoder) {
      pass.setPipeline(mover);
      pass.setBindGroup(0, moverGroup);
      pass.dispatchWorkgroups(count / 64);
    },
    draw(encoder: GPUCommandEncoder) {
      const view = context.getCurrentTexture().createView();
      const clearValue = [0.043, 0.055, 0.078, 1];
      const pass = encoder.beginRenderPass({
        colorAttachments: [{ view, clearValue, loadOp: "clear", storeOp: "store" }],
      });
      pass.setPipeline(drawer);
      pass.setBindGroup(0, drawerGroup);
      pass.draw(4, count);
      pass.end();
    },
  };
}
