// MNIST and data sets in its format (Fashion-MNIST): 28×28 grey images of ten classes, 60 000 to train and 10 000 to test.
import { ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { printType } from "../shape/types.ts";
import { checkLabels, type Dataset } from "./dataset.ts";
import { gunzip, parseIdx } from "./idx.ts";

/** Gives the bytes of a file, gzipped or not. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** A data set to train on and one to test with. */
export interface Split {
  /** To train on. */
  readonly train: Dataset;
  /** To test with. */
  readonly test: Dataset;
}

/** Reads the four IDX files: x u8[N,28,28,1], y u8[N]. `read` is given their names (`train-images-idx3-ubyte` …); in a page it is
 *  `fromUrl(folder)`. Throws ValueError or ShapeError on a file that is not what it should be. */
export async function mnist({ read }: { readonly read: ReadFile }): Promise<Split> {
  const [train, test] = await Promise.all([load(read, "train"), load(read, "t10k")]);
  return { train: train as Dataset, test: test as Dataset };
}

async function load(read: ReadFile, set: string): Promise<Dataset> {
  const [imageFile, labelFile] = [`${set}-images-idx3-ubyte`, `${set}-labels-idx1-ubyte`];
  const parse = async (name: string) => parseIdx(await gunzip(await read(name), name), name);
  const [images, labels] = (await Promise.all([parse(imageFile), parse(labelFile)])) as [NdArray, NdArray];
  requireRank(imageFile, images, 3, "[N, height, width]");
  requireRank(labelFile, labels, 1, "[N]");
  if (images.shape[0] !== labels.shape[0])
    throw new ValueError(
      `mnist: ${imageFile} and ${labelFile} differ in length (${images.shape[0]} vs ${labels.shape[0]}); they are not of one set`,
    );
  checkLabels(labels, 10, labelFile);
  return { x: { ...images, shape: [...images.shape, 1] }, y: labels };
}

function requireRank(file: string, array: NdArray, rank: number, wanted: string): void {
  if (array.shape.length !== rank)
    throw new ShapeError(`mnist: ${file} must hold ${wanted}, got ${printType(array)}; check the files`);
}

/** Reads files below a URL. */
export const fromUrl =
  (base: string | URL): ReadFile =>
  async (name) => {
    const url = `${String(base).replace(/\/$/, "")}/${name}`;
    const response = await fetch(url);
    if (!response.ok)
      throw new ValueError(`mnist: ${url} answers ${response.status} ${response.statusText}; check the address`);
    return new Uint8Array(await response.arrayBuffer());
  };
