// The data of the tasks: MNIST from the site, Genesis from the bundle, sums and points made here.
import { type Dataset, f32, fromUrl, mnist, type NdArray, ndarray, type Split, u8, ValueError } from "wgrad";
import { points } from "../points.ts";

const genesis = new URL("../../../src/train/sequences/genesis.txt", import.meta.url);

let loaded: Promise<Split> | undefined;

/** MNIST, fetched once. `folder` holds the gzipped files. */
export function loadMnist(folder: string): Promise<Split> {
  const read = fromUrl(folder);
  loaded ??= mnist({ read: (name) => read(`${name}.gz`) });
  loaded.catch(() => {
    loaded = undefined; // another try may do better
  });
  return loaded;
}

export interface Text {
  readonly alphabet: readonly string[];
  readonly tokens: readonly number[];
}

/** The King James Bible's Genesis, and its alphabet. */
export async function loadText(): Promise<Text> {
  const response = await fetch(genesis);
  if (!response.ok) throw new ValueError(`text: ${genesis} answers ${response.status}; check the site`);
  const text = await response.text();
  const alphabet = [...new Set(text)].sort();
  return { alphabet, tokens: Array.from(text, (c) => alphabet.indexOf(c)) };
}

/** The text in `batch` streams, cut into windows: example w·B + b is window w of stream b. x u8[N, T] the characters, y f32[N, T] the ones
 *  after them. */
export function windows({ tokens }: Text, batch: number, length: number): Dataset {
  const stream = Math.floor(tokens.length / batch);
  const count = Math.floor((stream - 1) / length);
  if (count < 1) throw new ValueError(`text: ${tokens.length} characters are too few for a batch of ${batch}`);
  const at = (i: number, shift: number) => {
    const row = Math.floor(i / length);
    const from = (row % batch) * stream + Math.floor(row / batch) * length;
    return tokens[from + (i % length) + shift] as number;
  };
  return {
    x: ndarray(u8(count * batch, length), (i) => at(i, 0)),
    y: ndarray(f32(count * batch, length), (i) => at(i, 1)),
  };
}

/** Random numbers in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sequences x f32[n, T, 2] of numbers in [0, 1) and marks, one in each half, and the sums of the marked numbers, y f32[n, 1]. */
export function additions(n: number, length: number, seed: number): Dataset {
  const random = randomNumbers(seed);
  const x = ndarray(f32(n, length, 2), (i) => (i % 2 ? 0 : Math.fround(random())));
  const half = Math.floor(length / 2);
  const y = ndarray(f32(n, 1), (i) => {
    const marked = [Math.floor(half * random()), half + Math.floor((length - half) * random())];
    let sum = 0;
    for (const t of marked) {
      const at = 2 * (i * length + t);
      x.data[at + 1] = 1;
      sum += x.data[at] as number;
    }
    return sum;
  });
  return { x, y };
}

/** x f32[10, 2], and y f32[10, 2]: (1, 0) for the first class and (0, 1) for the second. */
export function pointData(): Dataset<NdArray> {
  return {
    x: ndarray(f32(10, 2), points.flat()),
    y: ndarray(f32(10, 2), (i) => Number(i < 10 === (i % 2 === 0))),
  };
}
