// What the device can do at most, measured: copies of arrays, loads of what lies in a cache, a loop of multiply-adds that touches no memory, and the
// multiply-adds of a matrix product's tile, as if its factors cost nothing to load.
import type { GpuDevice } from "../src/gpu/device.ts";
import type { PassTimer } from "../src/gpu/passTimer.ts";
import { samplesOf } from "./gpuTime.ts";
import { type Spread, spread } from "./measure.ts";

/** A copy of an array: small ones lie in caches. */
export interface Copy {
  /** Read and written, together. */
  readonly bytes: number;
  readonly gigabytesPerSecond: Spread;
}

interface Loads {
  readonly count: number;
  readonly gigabytesPerSecond: Spread;
}

export interface Ceilings {
  readonly copies: readonly Copy[];
  /** Of vec4s that lie in the nearest cache, each lane's its own, so many in a loop's body; rows from before lack them. */
  readonly loads?: readonly Loads[];
  readonly gflops: Spread;
  /** How many vec4 accumulators did best. */
  readonly accumulators: number;
  /** What a lane sums at once, as large as kernels have it and smaller; rows from before they were measured lack them. */
  readonly tiles?: readonly Tile[];
}

interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly gflops: Spread;
}

/** Each invocation copies `count` vec4, a workgroup's width apart. */
const copy = (count: number): string => `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64) fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) lane: u32
) {
  let i = 64u * ${count}u * (group.x + n.x * group.y) + lane;
  ${Array.from({ length: count }, (_, k) => `y[i + ${64 * k}u] = x[i + ${64 * k}u];`).join("\n  ")}
}`;

const each = (n: number, f: (i: number) => string) => Array.from({ length: n }, (_, i) => f(i)).join("\n    ");

const rounds = 64;
/** Multiply-adds of each accumulator in a round: going round costs a CPU more than a few of them. */
const unroll = 16;

/** Loads in a round: few, and as many as kernels with large tiles have. Code that outgrows a CPU's nearest cache for instructions slows down. */
const loadCounts = [4, 16, 48];

/** Each invocation adds up vec4s of the first 16 kilobytes. */
const load = (count: number) => `
@group(0) @binding(0) var<storage, read> x: array<vec4f, 1024>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  var s = vec4f();
  for (var k = 0u; k < ${rounds}u; k++) {
    let at = lane + k;
    ${each(count, (j) => `s += x[(at + ${64 * j + (j >> 4)}u) % 1024u];`)}
  }
  y[id.x] = s;
}`;

/** Each invocation keeps so many vec4 accumulators busy; they depend on the data and on each other, and are stored. */
const multiplyAdd = (accumulators: number): string => {
  const all = (f: (i: number) => string) => each(accumulators, f);
  return `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = x[0];
  let b = x[1];
  ${all((i) => `var s${i} = x[${i + 2}];`)}
  for (var k = 0u; k < ${rounds}u; k++) {
    ${Array.from({ length: unroll }, () => all((i) => `s${i} = fma(s${i}, a, b);`)).join("\n    ")}
  }
  y[id.x] = ${Array.from({ length: accumulators }, (_, i) => `s${i}`).join(" + ")};
}`;
};

/** Terms of each sum in a round. */
const terms = 4;

/** Rows and columns of the tiles that are tried: as many sums as kernels have at most, and fewer. */
const tiles = {
  software: [
    [32, 8],
    [16, 16],
    [16, 8],
    [8, 8],
    [16, 4],
    [8, 4],
  ],
  gpu: [
    [4, 4],
    [8, 4],
    [8, 8],
  ],
} as const;

/** Each invocation has a tile of sums, and in every round adds to each of them the products of its row's and its column's factors. These are loaded
 *  beforehand. */
const tileOf = (rows: number, columns: number): string => {
  const factors = (name: string, n: number, from: number) =>
    each(n, (i) => `let ${name}${i} = x[id.x % 64u + ${64 * (from + i)}u];`);
  const sums = (f: (i: number, j: number) => string) =>
    each(rows * columns, (n) => f(Math.floor(n / columns), n % columns));
  const product = (i: number, j: number, k: number): string =>
    k === 0 ? `a${i}.x * b${j}.x` : `fma(a${i}.${"xyzw"[k]}, b${j}.${"xyzw"[k]}, ${product(i, j, k - 1)})`;
  return `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  ${factors("a", rows, 0)}
  ${factors("b", columns, rows)}
  ${sums((i, j) => `var s${i}_${j} = 0.0f;`)}
  for (var k = 0u; k < ${rounds}u; k++) {
    ${sums((i, j) => `s${i}_${j} += ${product(i, j, terms - 1)};`)}
  }
  ${sums((i, j) => `y[id.x * ${rows * columns}u + ${i * columns + j}u] = s${i}_${j};`)}
}`;
};

export async function measureCeilings(device: GpuDevice, timer: PassTimer): Promise<Ceilings> {
  const { gpu, software } = device;
  const sizes = [1 << 19, 1 << 22, 1 << 25, 1 << 28].slice(0, software ? 3 : 4);
  const size = sizes.at(-1) as number;
  const [x, y] = ["x", "y"].map((label) => gpu.createBuffer({ label, size, usage: GPUBufferUsage.STORAGE })) as [
    GPUBuffer,
    GPUBuffer,
  ];
  const prepare = async (code: string) => {
    const module = gpu.createShaderModule({ code });
    const pipeline = await gpu.createComputePipelineAsync({ layout: "auto", compute: { module } });
    const entries = [x, y].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (workgroups: number) => (pass: GPUComputePassEncoder) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      const wide = Math.min(workgroups, 32768);
      pass.dispatchWorkgroups(wide, Math.ceil(workgroups / wide));
    };
  };
  const copies: Copy[] = [];
  for (const each of sizes) {
    const found: Spread[] = [];
    for (const count of [1, 4, 16]) {
      const times = await samplesOf(timer, (await prepare(copy(count)))(each / 16 / 64 / count));
      found.push(spread(times.map((ns) => (2 * each) / ns)));
    }
    copies.push({ bytes: 2 * each, gigabytesPerSecond: found.reduce((a, b) => (b.median > a.median ? b : a)) });
  }
  const workgroups = software ? 64 : 1 << 14;
  const loads: Loads[] = [];
  for (const count of loadCounts) {
    const times = await samplesOf(timer, (await prepare(load(count)))(workgroups));
    loads.push({ count, gigabytesPerSecond: spread(times.map((ns) => (16 * rounds * count * 64 * workgroups) / ns)) });
  }
  let best: { gflops: Spread; accumulators: number } | undefined;
  for (const accumulators of [2, 4, 8, 16]) {
    const times = await samplesOf(timer, (await prepare(multiplyAdd(accumulators)))(workgroups));
    const flops = 2 * 4 * accumulators * rounds * unroll * 64 * workgroups;
    const gflops = spread(times.map((ns) => flops / ns));
    if (!best || gflops.median > best.gflops.median) best = { gflops, accumulators };
  }
  const found: Tile[] = [];
  for (const [rows, columns] of tiles[software ? "software" : "gpu"]) {
    const times = await samplesOf(timer, (await prepare(tileOf(rows, columns)))(workgroups));
    const flops = 2 * terms * rows * columns * rounds * 64 * workgroups;
    found.push({ rows, columns, gflops: spread(times.map((ns) => flops / ns)) });
  }
  x.destroy();
  y.destroy();
  return { copies, loads, ...best!, tiles: found };
}

/** The copy that moves about as much as a kernel does. */
export const copyLike = ({ copies }: Ceilings, bytes: number): Copy =>
  copies.reduce((a, b) => (Math.abs(Math.log(b.bytes / bytes)) < Math.abs(Math.log(a.bytes / bytes)) ? b : a));
