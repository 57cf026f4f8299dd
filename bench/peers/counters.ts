// Counts what a library asks of WebGPU, whoever made the device: the methods of WebGPU's prototypes are wrapped for the time of a count.

export interface Counts {
  dispatches: number;
  submits: number;
  bindGroups: number;
  buffers: number;
  /** writeBuffer calls. */
  uploads: number;
  pipelines: number;
}

type Method = (...args: unknown[]) => unknown;

/** What `f` asks of WebGPU. */
export async function countCalls(f: () => Promise<unknown>): Promise<Counts> {
  const counts: Counts = { dispatches: 0, submits: 0, bindGroups: 0, buffers: 0, uploads: 0, pipelines: 0 };
  const undo = [
    wrap(GPUComputePassEncoder.prototype, "dispatchWorkgroups", counts, "dispatches"),
    wrap(GPUQueue.prototype, "submit", counts, "submits"),
    wrap(GPUQueue.prototype, "writeBuffer", counts, "uploads"),
    wrap(GPUDevice.prototype, "createBindGroup", counts, "bindGroups"),
    wrap(GPUDevice.prototype, "createBuffer", counts, "buffers"),
    wrap(GPUDevice.prototype, "createComputePipeline", counts, "pipelines"),
    wrap(GPUDevice.prototype, "createComputePipelineAsync", counts, "pipelines"),
  ];
  try {
    await f();
    return counts;
  } finally {
    for (const restore of undo) restore();
  }
}

function wrap<T extends object>(prototype: T, name: keyof T & string, counts: Counts, key: keyof Counts): () => void {
  const original = prototype[name] as Method;
  const counting = function (this: unknown, ...args: unknown[]) {
    counts[key]++;
    return original.apply(this, args);
  };
  prototype[name] = counting as T[typeof name];
  return () => {
    prototype[name] = original as T[typeof name];
  };
}
