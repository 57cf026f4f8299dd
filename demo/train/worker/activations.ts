// What the layers make of one image, and the weights of the first layer, as pictures.
import { type DeviceArray, full, type NdArray, ndarray, type nn, type Tensor, type Tree, u8, u32 } from "wgrad";
import { compile, leavesOf } from "./programs.ts";
import type { Session } from "./session.ts";

/** Pictures of one size, side by side: data[k·height·width + row·width + column]. */
export interface Pictures {
  readonly name: string;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

interface Look {
  of(pixels: Uint8Array): Promise<Pictures[]>;
  dispose(): void;
}

/** Pictures of what [1, H, W, C] holds, a channel each; of [1, T, H] as one picture; of other shapes none. */
function picturesOf(name: string, { shape, data }: NdArray): Pictures | null {
  if (shape.length === 3) {
    const [, height, width] = shape as [number, number, number];
    return { name, count: 1, height, width, data: Float32Array.from(data) };
  }
  if (shape.length !== 4) return null;
  const [, height, width, count] = shape as [number, number, number, number];
  const size = height * width;
  return {
    ...{ name, count, height, width },
    data: Float32Array.from(
      { length: count * size },
      (_, i) => data[(i % size) * count + Math.floor(i / size)] as number,
    ),
  };
}

/** The weights of the first layer: filters of a convolution [k, k, 1, K], or a picture for each of the first units of a dense layer. */
function filtersOf({ shape, data }: NdArray): Pictures {
  const convolution = shape.length === 4;
  const [height, width] = convolution ? (shape as [number, number]) : ([28, 28] as const);
  const units = shape.at(-1) as number;
  const count = Math.min(units, 32);
  const size = height * width;
  return {
    ...{ name: convolution ? "filters" : "weights", count, height, width },
    data: Float32Array.from(
      { length: count * size },
      (_, i) => data[(i % size) * units + Math.floor(i / size)] as number,
    ),
  };
}

export async function activations({ device, made: { layers }, trainer, variables }: Session): Promise<Look> {
  const { arrays, types } = variables;
  const context: nn.Context = { training: false, key: full(u32(2), 0) };
  const recurrent = layers.some((layer) => "run" in layer);
  const names = layers.map((layer, i) => `${layer.name}${i}`);

  const program = await compile(
    device,
    ({ params, x }) => {
      const shown: Record<string, Tensor> = {};
      let y: Tensor = trainer.spec.prepare(x as Tensor);
      layers.forEach((layer, i) => {
        const name = names[i] as string;
        const own = { params: (params as Record<string, Tree<Tensor>>)[name] ?? {}, state: {} };
        if ("run" in layer) {
          const run = (layer as nn.RecurrentLayer).run(own, y, context);
          shown[name] = run.states[0]!.hs.slice([1, 0, 0]).transpose([1, 0, 2]);
          y = run.y;
        } else y = layer.apply(own, y, context).y;
        if (y.rank === 4) shown[name] = y;
      });
      return { shown: Object.keys(shown).length ? shown : { output: y } };
    },
    { params: types.params, x: u8(1, 28, 28, 1) },
    { label: "activations" },
  );

  const weights = leavesOf<DeviceArray>(arrays.params)[0]?.[1];
  const { x } = device.put({ x: ndarray(u8(1, 28, 28, 1), () => 0) });
  return {
    async of(pixels) {
      x.write({ ...u8(1, 28, 28, 1), data: pixels });
      const { shown } = program.run({ params: arrays.params, x });
      const read = await Promise.all(
        leavesOf<DeviceArray>(shown as Tree<DeviceArray>).map(async ([name, a]) => picturesOf(name, await a.read())),
      );
      const filters = weights && !recurrent ? [filtersOf(await weights.read())] : [];
      return [...filters, ...read.filter((p) => p !== null)];
    },
    dispose() {
      program.dispose();
      x.dispose();
    },
  };
}
