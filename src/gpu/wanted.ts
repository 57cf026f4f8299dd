// Wanted: what wgrad makes use of where a device has it. It needs nothing beyond what WebGPU gives every device, in compatibility mode too.

/** Something that a device lacks, and what that means. */
export interface Lack {
  /** A feature or a limit of WebGPU. */
  readonly name: string;
  /** False of a feature. */
  readonly has: number | false;
  /** The least that makes no difference; true of a feature. */
  readonly useful: number | true;
  /** What happens instead. */
  readonly effect: string;
}

const features: Partial<Record<GPUFeatureName, string>> = {
  "timestamp-query": "profiles time a dispatch by repeating it",
  subgroups: "kernels load for themselves what a subgroup could share",
};

const gibibyte = 2 ** 30;

const limits = {
  maxStorageBuffersPerShaderStage: [10, "large steps take a dispatch or two more"],
  maxComputeInvocationsPerWorkgroup: [256, "large products share loads among fewer lanes"],
  maxStorageBufferBindingSize: [gibibyte, "a value or data set must be smaller"],
  maxBufferSize: [gibibyte, "the values of one put must be smaller together"],
} as const satisfies Partial<Record<keyof GPUSupportedLimits, readonly [number, string]>>;

const limitNames = Object.keys(limits) as (keyof typeof limits)[];

/** What to ask of an adapter for a device of our own: all of it that the adapter has. */
export function descriptorOf(adapter: GPUAdapter): GPUDeviceDescriptor {
  return {
    label: "wgrad",
    requiredFeatures: (Object.keys(features) as GPUFeatureName[]).filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(limitNames.map((name) => [name, adapter.limits[name]])),
  };
}

/** What a device lacks. */
export function lacksOf(gpu: GPUDevice): Lack[] {
  return [
    ...Object.entries(features)
      .filter(([name]) => !gpu.features.has(name))
      .map(([name, effect]) => ({ name, has: false, useful: true, effect }) as const),
    ...limitNames
      .filter((name) => gpu.limits[name] < limits[name][0])
      .map((name) => ({ name, has: gpu.limits[name], useful: limits[name][0], effect: limits[name][1] })),
  ];
}
