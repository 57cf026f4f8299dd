// A contestant: one library on one backend, at one task.
import type { NdArray } from "../../src/shape/ndarray.ts";
import type { Work } from "../measure.ts";
import type { TaskName } from "../tasks.ts";
import { generator } from "../values.ts";

/** A training task's common ground: the first examples of MNIST, and the initial weights by layer and name. */
export interface Start {
  readonly task: TaskName;
  readonly batchSize: number;
  /** In [0, 1]. */
  readonly images: Float32Array;
  readonly labels: Int32Array;
  /** `weights[i]` are those of layer i: weight and bias, or wx, wh and bias. HWIO, [in, out]. */
  readonly weights: readonly Record<string, NdArray>[];
}

export interface Training {
  /** Trains so many steps, without looking at the loss. */
  readonly work: Work;
  /** Losses of the first steps, on consecutive batches from the start. Called before `work`. */
  losses(steps: number): Promise<number[]>;
  dispose(): void;
}

export const peerNames = ["tfjs-webgpu", "tfjs-wasm", "tfjs-cpu", "jax-webgpu"] as const;
export type PeerName = (typeof peerNames)[number];

/** What a row of `bench compare` is called. */
export const comparisonName = (subject: string, peer: PeerName, tune: boolean): string =>
  `${subject} · ${peer}${tune ? " · tuned" : ""}`;

/** Kernels that are compared by themselves: their float32 inputs [shape], and the multiply-adds. NHWC and HWIO. */
export interface Kernel {
  readonly name: string;
  readonly kind: "matmul" | "conv" | "convInputGrad" | "convFilterGrad";
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[];
  readonly multiplyAdds: number;
}

export interface KernelRun {
  readonly work: Work;
  /** The result, in wgrad's layout. */
  result(): Promise<Float32Array>;
  dispose(): void;
}

export interface Peer {
  training(start: Start): Promise<Training>;
  kernel(kernel: Kernel): Promise<KernelRun>;
}

/** Shuffled batches of example indices, epoch after epoch, from a fixed seed. */
export function batches(count: number, size: number): () => Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const random = generator(1);
  let at = count;
  return () => {
    if (at + size > count) {
      for (let i = count - 1; i > 0; i--) {
        const j = Math.floor(random() * (i + 1));
        [order[i], order[j]] = [order[j] as number, order[i] as number];
      }
      at = 0;
    }
    return order.slice(at, (at += size));
  };
}

export const firstBatch = (step: number, size: number): Int32Array =>
  Int32Array.from({ length: size }, (_, i) => step * size + i);
