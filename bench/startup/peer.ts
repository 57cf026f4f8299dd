// A peer's start: the net `mnist-cnn` with weights drawn here.
import type { NdArray } from "../../src/shape/ndarray.ts";
import type { Peer, Start, Training } from "../peers/contestant.ts";
import { batchSize } from "../tasks.ts";
import { generator } from "../values.ts";
import { readImages } from "./measure.ts";

const random = generator(1);

function weight(...shape: number[]): NdArray {
  const fanIn = shape.slice(0, -1).reduce((n, d) => n * d, 1);
  const data = Float64Array.from(
    { length: fanIn * (shape.at(-1) as number) },
    () => (2 * random() - 1) * (6 / fanIn) ** 0.5,
  );
  return { dtype: "f32", shape, data };
}

const zeros = (n: number): NdArray => ({ dtype: "f32", shape: [n], data: new Float64Array(n) });

export async function startPeer(peer: () => Peer | Promise<Peer>): Promise<Training> {
  const [{ pixels, labels }, made] = await Promise.all([readImages(), peer()]);
  const start: Start = {
    ...{ task: "mnist-cnn", batchSize },
    images: Float32Array.from(pixels, (v) => v / 255),
    labels: Int32Array.from(labels),
    weights: [
      { weight: weight(3, 3, 1, 8), bias: zeros(8) },
      {},
      { weight: weight(3, 3, 8, 16), bias: zeros(16) },
      {},
      {},
      { weight: weight(400, 10), bias: zeros(10) },
    ],
  };
  return made.training(start);
}
