// Exported files in ONNX Runtime, the judge of what is exported: its native build in Node, its WebAssembly build in a page.
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { chunks } from "../src/data/chunks.ts";
import { allocate, type NdArray } from "../src/shape/ndarray.ts";
import type { DType } from "../src/shape/types.ts";

/** The module onnxruntime-node or onnxruntime-web. */
export interface Runtime {
  readonly InferenceSession: { create(file: Uint8Array): Promise<InferenceSession> };
  readonly Tensor: typeof Tensor;
}

const runtimeTypes = { f32: "float32", i32: "int32", u32: "uint32", u8: "uint8", bool: "bool" } as const;
const dtypes: Readonly<Record<string, DType>> = Object.fromEntries(
  Object.entries(runtimeTypes).map(([dtype, name]) => [name, dtype as DType]),
);

/** A file as a function from the input x to the output y. */
export async function load(
  { InferenceSession, Tensor }: Runtime,
  file: Uint8Array,
): Promise<(x: NdArray) => Promise<NdArray>> {
  const session = await InferenceSession.create(file);
  return async ({ dtype, shape, data }) => {
    const values = dtype === "f32" ? new Float32Array(data) : data;
    const { y } = await session.run({ x: new Tensor(runtimeTypes[dtype], values as never, [...shape]) });
    const type = dtypes[y!.type] as DType;
    const result = allocate(type, y!.size);
    result.set(y!.data as Float32Array);
    return { dtype: type, shape: [...y!.dims], data: result };
  };
}

/** What a function of so many images gives for all of them. */
export async function inBatches(
  run: (x: NdArray) => Promise<NdArray>,
  images: NdArray,
  batch: number,
): Promise<Float64Array> {
  const all: number[] = [];
  for (const { chunk } of chunks(images, batch)) all.push(...(await run(chunk)).data);
  return Float64Array.from(all);
}
