// Weights as a PyTorch state dict: the names and shapes that `state_dict()` of the same model gives, in a safetensors file. Layouts are mapped
// (layouts.ts), and the rows of a dense layer behind a flattened image are put in PyTorch's order (imageAxes.ts).
//
// The layer at place i of a sequential is module "i", as in nn.Sequential; a layer of `functional` has the name that it has there.
import { leaves, mapTree, type Tree } from "../graph/tree.ts";
import { keyOf } from "../nn/key.ts";
import type { Layer, Variables } from "../nn/layer.ts";
import { ShapeError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import { differences, listed } from "./differences.ts";
import { type Image, imageAxes } from "./imageAxes.ts";
import { type Arrays, imageOrder, type Layout, layoutOf } from "./layouts.ts";
import { readSafetensors, type Safetensors, writeSafetensors } from "./safetensors.ts";

/** Options of saving and loading weights. */
export interface WeightsOptions {
  /** PyTorch's names of layers, by their paths here: `{ conv0: "features.0", dense5: "classifier" }`. Default: see above. */
  readonly names?: Readonly<Record<string, string>>;
}

/** What holds a model's variables: a Trainer, or an object of yours. */
export interface WeightsHolder {
  /** Whose variables they are. */
  readonly model: Layer;
  /** Of a batch, as the model takes it. */
  readonly input: TensorType;
  /** The values now. */
  variables(): Promise<Variables<NdArray>>;
  /** Replaces them. */
  setVariables(variables: Variables<NdArray>): void;
}

/** The bytes of a safetensors file that `load_state_dict(safetensors.torch.load_file(…))` of the same model takes. Where activations are
 *  options here and modules there, modules have other numbers: give `names`, or make them layers. */
export async function saveWeights(
  holder: WeightsHolder,
  options: WeightsOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const arrays = stateDict(holder.model, await holder.variables(), holder.input, options);
  return writeSafetensors(arrays, { metadata: { format: "pt" } });
}

/** Takes weights from the bytes of a safetensors file: one of `saveWeights`, or of a PyTorch model of the same shape. Numbered modules may be
 *  numbered otherwise, as they are where activations are modules; then they are taken in order. Throws FormatError on a file that is none,
 *  ShapeError, which says all that differs, on one of another model. */
export function loadWeights(holder: WeightsHolder, bytes: Uint8Array, options: WeightsOptions = {}): void {
  holder.setVariables(fromStateDict(holder.model, readSafetensors(bytes, "weights"), holder.input, options));
}

/** The variables of a model in PyTorch's names, shapes and layouts. `input` is the type of a batch. */
export function stateDict(
  model: Layer,
  variables: Variables<NdArray>,
  input: TensorType,
  options: WeightsOptions = {},
): Map<string, NdArray> {
  const found = new Map<string, NdArray>();
  for (const { module, own, layout } of modulesOf(model, variables, input, options))
    for (const [name, array] of Object.entries(layout.toTorch(own))) found.set(under(module, name), array);
  return found;
}

/** The variables of a model from what PyTorch calls them. What is no weight (the last state of a stateful layer) is as at the start. Throws
 *  ShapeError, which says all that differs. */
export function fromStateDict(
  model: Layer,
  dict: Pick<Safetensors, "types" | "read">,
  input: TensorType,
  options: WeightsOptions = {},
): Variables<NdArray> {
  const initial = model.init(keyOf(0), input);
  const modules = modulesOf(model, initial, input, options);
  const names = options.names ? modules.map(({ module }) => module) : moduleNames(modules, dict.types);
  const wanted = modules.map(({ own, layout }, i) =>
    Object.entries(layout.toTorch(own)).map(([name, array]) => ({ name, from: under(names[i]!, name), array })),
  );
  checkTypes(dict.types, new Map(wanted.flat().map(({ from, array }) => [from, array])));
  const loaded = new Map<string, NdArray>();
  modules.forEach(({ path, own, layout }, i) => {
    const torch = Object.fromEntries(wanted[i]!.map(({ name, from }) => [name, dict.read(from)]));
    for (const [name, array] of Object.entries(layout.fromTorch(torch, own))) loaded.set(under(path, name), array);
  });
  const take = (tree: Tree<NdArray>) =>
    mapTree<unknown, NdArray, NdArray>(tree, isNdArray, (array, path) => loaded.get(path) ?? array) as Tree<NdArray>;
  return { params: take(initial.params), state: take(initial.state) };
}

const under = (module: string, name: string): string => (module ? `${module}.${name}` : name);

/** A layer with weights, and what PyTorch calls it. */
interface Module {
  readonly module: string;
  readonly path: string;
  /** By their names in the layer, params and state together. */
  readonly own: Arrays;
  readonly layout: Layout;
}

/** The last state that such a layer keeps is of a batch, not of the model. */
const recurrent = ["rnn", "lstm", "gru"];

function modulesOf(
  model: Layer,
  { params, state }: Variables<NdArray>,
  input: TensorType,
  { names = {} }: WeightsOptions,
): Module[] {
  const images = imageAxes(model, { params, state }, input);
  const found: Module[] = [];
  const visit = (layer: Layer, path: string, given: string, trees: readonly Tree<NdArray>[]): void => {
    const module = names[path] ?? given;
    const name = layer.name.replace(/^(timeDistributed_)+/, "");
    if (layer.layers) {
      Object.entries(layer.layers).forEach(([key, child], i) => {
        const inside = trees.map((tree) => (tree as Record<string, Tree<NdArray>>)[key] ?? {});
        visit(child, under(path, key), under(module, name === "sequential" ? String(i) : key), inside);
      });
      return;
    }
    const kept = recurrent.includes(name) ? trees.slice(0, 1) : trees;
    const own = Object.fromEntries(kept.flatMap((tree) => leaves(tree, isNdArray).map((l) => [l.path, l.value])));
    if (Object.keys(own).length === 0) return;
    const layout = layoutOf(name, own);
    found.push({ module, path, own, layout: reordered(layout, (array) => imagesOf(under(path, array))) });
  };
  const imagesOf = (path: string) => [...(images.get(`params.${path}`) ?? images.get(`state.${path}`) ?? [])];
  visit(model, "", "", [params, state]);
  return found;
}

/** The layout, where images that arrays run over are put in PyTorch's order first, and back in ours last. */
function reordered(layout: Layout, imagesOf: (name: string) => [axis: number, Image][]): Layout {
  const turn = (own: Arrays, back: boolean): Arrays =>
    Object.fromEntries(
      Object.entries(own).map(([name, array]) => [
        name,
        imagesOf(name).reduce((x, [axis, image]) => imageOrder(x, axis, image, back), array),
      ]),
    );
  return {
    toTorch: (own) => layout.toTorch(turn(own, false)),
    fromTorch: (torch, own) => turn(layout.fromTorch(torch, own), true),
  };
}

const isNumbered = (module: string) => /^\d+(\.\d+)*$/.test(module);

/** What the file calls the modules: as here, or, where it numbers them otherwise, by their order. */
function moduleNames(modules: readonly Module[], types: ReadonlyMap<string, TensorType>): string[] {
  const own = modules.map(({ module }) => module);
  const found = [...new Set([...types.keys()].map((name) => name.slice(0, Math.max(0, name.lastIndexOf(".")))))];
  if (found.length !== own.length || ![...own, ...found].every(isNumbered)) return own;
  return found.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Counts batches in PyTorch's batch norm, which has no use for it but where it is told to. */
const counter = /(^|\.)num_batches_tracked$/;

function checkTypes(found: ReadonlyMap<string, TensorType>, wanted: ReadonlyMap<string, TensorType>): void {
  const counted = new Map([...found].filter(([name]) => wanted.has(name) || !counter.test(name)));
  const all = differences(counted, wanted);
  if (all.length)
    throw new ShapeError(
      `weights: they are of another model, they have ${listed(all)}; load them into the same model, or give names`,
    );
}
