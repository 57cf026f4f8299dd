// Target: what the planner knows of the adapter. Costs are relative; only their ratios matter. They weigh candidate tiles
// (schedule.ts); they never change what is computed.

export interface Target {
  readonly name: string;
  readonly software: boolean;
  /** Most storage buffers that one kernel binds. */
  readonly maxBuffers: number;
  readonly workgroupSize: number;
  /** Most lanes of a workgroup. */
  readonly maxWorkgroup: number;
  /** Four lanes in a row, from a multiple of four on, can exchange values (WGSL's quadSwapX). */
  readonly quads: boolean;
  /** Lanes (invocations) that keep the device busy; fewer cost proportionally. */
  readonly lanes: number;
  /** Bytes that a workgroup may share; 0 where that never pays. */
  readonly workgroupMemory: number;
  /** Multiply-adds from which on a group is worth a workgroup that shares. */
  readonly leastBoxWork: number;
  /** Most accumulators that a lane holds, and multiply-adds in the body of its innermost loop. */
  readonly maxAccumulators: number;
  readonly maxBody: number;
  readonly cost: {
    readonly fma: number;
    /** Of any other statement. */
    readonly statement: number;
    /** Share by which each accumulator slows everything: registers spill. */
    readonly spill: number;
    readonly loadVec4: number;
    readonly loadScalar: number;
    /** Of a scalar. */
    readonly store: number;
    /** Of a sum that lies in an array. */
    readonly array: number;
    /** Of a value that another lane of the quad has, and of one in workgroup memory. */
    readonly exchange: number;
    readonly shared: number;
    readonly barrier: number;
    /** Of one accumulator, each time round a loop. */
    readonly carried: number;
    /** Of compiling one, shared out over a thousand runs. */
    readonly compile: { readonly statement: number; readonly load: number };
    /** Of a loop's iteration and of an invocation. */
    readonly loop: number;
    readonly lane: number;
  };
}

/** A GPU: many lanes, few registers each. */
export const gpuTarget: Target = {
  name: "gpu",
  software: false,
  maxBuffers: 8,
  workgroupSize: 64,
  maxWorkgroup: 256,
  quads: false,
  lanes: 32768,
  workgroupMemory: 16384,
  leastBoxWork: 1 << 24,
  maxAccumulators: 64,
  maxBody: 768,
  cost: {
    fma: 1,
    statement: 1,
    spill: 0.002,
    loadVec4: 6,
    loadScalar: 4,
    store: 4,
    array: 20,
    exchange: 6,
    shared: 2,
    barrier: 20,
    carried: 0,
    compile: { statement: 0, load: 0 },
    loop: 4,
    lane: 20,
  },
};

/** A CPU behind WebGPU (SwiftShader): a few cores of four SIMD lanes. A load gathers: four scalar ones a component, each checked; it takes as long to
 *  compile as twenty other statements. Weights in tenths of a nanosecond, set by hand after kernels that were timed. */
export const softwareTarget: Target = {
  name: "software",
  software: true,
  maxBuffers: 8,
  workgroupSize: 16,
  maxWorkgroup: 256,
  quads: true,
  lanes: 128,
  workgroupMemory: 0,
  leastBoxWork: 1 << 24,
  maxAccumulators: 256,
  maxBody: 1024,
  cost: {
    fma: 0.7,
    statement: 2,
    spill: 0.0001,
    loadVec4: 46,
    loadScalar: 18,
    store: 40,
    array: 12,
    exchange: 0.6,
    shared: 90,
    barrier: 1000,
    carried: 1.8,
    compile: { statement: 1200, load: 20000 },
    loop: 14,
    lane: 100,
  },
};
