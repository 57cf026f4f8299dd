// How the arrays of a layer here are those of a PyTorch module, and back.
//
//   here                                PyTorch
//   dense        weight [in, out]       Linear        weight [out, in]
//   conv         weight [kh, kw, C, K]  Conv2d        weight [K, C, kh, kw]
//   batchNorm    scale, shift,          BatchNorm     weight, bias,
//                mean, variance                       running_mean, running_var
//   layerNorm    scale, shift           LayerNorm     weight, bias; over images [H, W, C] ↔ [C, H, W]
//   embedding    weight                 Embedding     weight
//   rnn, lstm,   layer0.wx [F, G·H]     RNN, LSTM,    weight_ih_l0 [G·H, F]
//   gru          layer0.wh [H, G·H]     GRU           weight_hh_l0 [G·H, H]
//                layer0.bias [G·H]                    bias_ih_l0 + bias_hh_l0
//                layer0.biasH [H]                     the last third of bias_hh_l0 (GRU)
//                layer1Reverse.wx                     weight_ih_l1_reverse
//
// Gates have one order on both sides: i, f, g, o and r, z, n. What PyTorch has not (peepholes, a GRU that resets before its product, layers
// of your own) keeps its names and layouts.
import { type NdArray, ndarray } from "../shape/ndarray.ts";
import { numel, type Shape, strides } from "../shape/types.ts";

export type Arrays = Readonly<Record<string, NdArray>>;

export interface Layout {
  toTorch(own: Arrays): Arrays;
  /** `own` are arrays of the layer, for their names and types. */
  fromTorch(torch: Arrays, own: Arrays): Arrays;
}

/** The axes in another order: axis d of the result is axis permutation[d] of x. */
export function transposed(x: NdArray, permutation: readonly number[]): NdArray {
  const from = strides(x.shape);
  const shape = permutation.map((axis) => x.shape[axis] as number);
  const steps = permutation.map((axis) => from[axis] as number);
  const data = x.data.slice();
  const index = shape.map(() => 0);
  for (let i = 0, at = 0; i < data.length; i++) {
    data[i] = x.data[at] as number;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += steps[d] as number;
      if (++index[d]! < shape[d]!) break;
      at -= steps[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return { dtype: x.dtype, shape, data };
}

const inverse = (permutation: readonly number[]): number[] => permutation.map((_, axis) => permutation.indexOf(axis));

type Renaming = Readonly<Record<string, readonly [torch: string, permutation?: readonly number[]]>>;

const renaming = (names: Renaming): Layout => ({
  toTorch: (own) =>
    mapEntries(own, (name, x) => {
      const [torch, permutation] = names[name] as Renaming[string];
      return [torch, permutation ? transposed(x, permutation) : x];
    }),
  fromTorch: (torch, own) =>
    mapEntries(own, (name) => {
      const [from, permutation] = names[name] as Renaming[string];
      const x = torch[from] as NdArray;
      return [name, permutation ? transposed(x, inverse(permutation)) : x];
    }),
});

const mapEntries = (arrays: Arrays, f: (name: string, x: NdArray) => readonly [string, NdArray]): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, x]) => f(name, x)));

const turned = [1, 0];
const channelsFirst = [2, 0, 1];
const feedForward: Readonly<Record<string, Renaming>> = {
  dense: { weight: ["weight", turned], bias: ["bias"] },
  conv: { weight: ["weight", [3, 2, 0, 1]], bias: ["bias"] },
  batchNorm: { scale: ["weight"], shift: ["bias"], mean: ["running_mean"], variance: ["running_var"] },
  layerNorm: { scale: ["weight"], shift: ["bias"] },
  embedding: { weight: ["weight"] },
};
const imageNorm: Renaming = { scale: ["weight", channelsFirst], shift: ["bias", channelsFirst] };

/** Gates of the recurrent layers that PyTorch has, and the arrays of a run. */
const gates: Readonly<Record<string, number>> = { rnn: 1, lstm: 4, gru: 3 };
const recurrentArrays: Readonly<Record<string, string>> = {
  rnn: "bias,wh,wx",
  lstm: "bias,wh,wx",
  gru: "bias,biasH,wh,wx",
};

const recurrent: Layout = {
  toTorch(own) {
    const torch: Record<string, NdArray> = {};
    for (const [run, k] of runs(own)) {
      const [wx, wh, bias, biasH] = ["wx", "wh", "bias", "biasH"].map((name) => own[`${run}.${name}`]);
      torch[`weight_ih_${k}`] = transposed(wx!, turned);
      torch[`weight_hh_${k}`] = transposed(wh!, turned);
      torch[`bias_ih_${k}`] = bias!;
      const hidden = new Float64Array(bias!.data.length);
      if (biasH) hidden.set(biasH.data, hidden.length - biasH.data.length);
      torch[`bias_hh_${k}`] = { ...bias!, data: hidden };
    }
    return torch;
  },
  fromTorch(torch, own) {
    const found: Record<string, NdArray> = {};
    for (const [run, k] of runs(own)) {
      const [ih, hh] = [torch[`bias_ih_${k}`] as NdArray, torch[`bias_hh_${k}`] as NdArray];
      const biasH = own[`${run}.biasH`];
      const joined = ih.data.length - (biasH?.data.length ?? 0); // gates whose two biases are added
      found[`${run}.wx`] = transposed(torch[`weight_ih_${k}`] as NdArray, turned);
      found[`${run}.wh`] = transposed(torch[`weight_hh_${k}`] as NdArray, turned);
      found[`${run}.bias`] = ndarray(ih, (i) => (i < joined ? ih.data[i]! + hh.data[i]! : ih.data[i]!));
      if (biasH) found[`${run}.biasH`] = { ...biasH, data: hh.data.slice(joined) };
    }
    return found;
  },
};

/** The runs of a recurrent layer, `layer0` or `layer0Reverse`, with what PyTorch calls them, `l0` or `l0_reverse`. */
function runs(own: Arrays): [string, string][] {
  const names = [...new Set(Object.keys(own).map((name) => name.split(".")[0] as string))];
  return names.map((name) => [name, name.replace("layer", "l").replace("Reverse", "_reverse")]);
}

const unchanged: Layout = { toTorch: (own) => own, fromTorch: (torch) => torch };

/** The layout of a layer of this name with these arrays. */
export function layoutOf(name: string, own: Arrays): Layout {
  if (name in gates) return isTorchs(name, own) ? recurrent : unchanged;
  const names = name === "layerNorm" && own.scale?.shape.length === 3 ? imageNorm : feedForward[name];
  return names && Object.keys(own).every((key) => Object.hasOwn(names, key)) ? renaming(names) : unchanged;
}

/** Whether every run of the recurrent layer has the arrays and the gates of PyTorch's. */
function isTorchs(name: string, own: Arrays): boolean {
  return runs(own).every(([run]) => {
    const arrays = Object.keys(own).filter((key) => key.startsWith(`${run}.`));
    const wh = own[`${run}.wh`]?.shape as Shape;
    const names = arrays.map((key) => key.slice(run.length + 1)).sort();
    return String(names) === recurrentArrays[name] && wh[1] === (gates[name] as number) * wh[0]!;
  });
}

/** One axis that runs over an image, in the order C, H, W in place of H, W, C; or, with `back`, the other way round. */
export function imageOrder(
  x: NdArray,
  axis: number,
  [h, w, c]: readonly [number, number, number],
  back: boolean,
): NdArray {
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)].map(numel) as [number, number];
  const apart = { ...x, shape: [before, ...(back ? [c, h, w] : [h, w, c]), after] };
  return { ...transposed(apart, back ? [0, 2, 3, 1, 4] : [0, 3, 1, 2, 4]), shape: x.shape };
}
