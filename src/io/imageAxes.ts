// Which axes of a model's variables run over the elements of a flattened image: the rows of a dense layer behind `flatten`, what normalises
// between them, the columns of a dense layer whose output becomes an image. Images are flattened in the order H, W, C here and C, H, W in
// PyTorch, so these axes are permuted when weights go over.
//
// Two axes run together where a kernel reads them at one index: found by running kernel descriptions on symbolic indices, whatever the ops.
import { toposort } from "../graph/node.ts";
import type { Tree } from "../graph/tree.ts";
import { mapTree } from "../graph/tree.ts";
import type { Layer, Variables } from "../nn/layer.ts";
import { accessOf } from "../plan/access.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { type TensorType, u32 } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import { trace } from "../trace.ts";

/** Height, width, channels. */
export type Image = readonly [number, number, number];

/** By the path of a variable (`params.dense5.weight`), for each of its axes that runs over an image: that image. */
export function imageAxes(
  model: Layer,
  variables: Variables<NdArray>,
  input: TensorType,
): Map<string, Map<number, Image>> {
  const types = mapTree<unknown, NdArray, TensorType>(variables, isNdArray, ({ dtype, shape }) => ({ dtype, shape }));
  const forward = (inputs: Variables<Tensor> & { readonly x: Tensor }) =>
    model.apply(inputs, inputs.x, { training: false, key: full(u32(2), 0) }).y;
  const { inputs, outputs } = trace(forward as never, { ...(types as Record<string, Tree<TensorType>>), x: input });

  const together = new Sets();
  const seeds: [axis: string, Image][] = [];
  for (const { id, op, inputs: read, params, types: made } of toposort(outputs.map(({ value }) => value))) {
    const name = (t: Tensor, axis: number) => `${t.node.id}.${axis}`;
    const { kernel } = op;
    if (kernel.kind !== "map" && kernel.kind !== "reduce") continue;
    const { reads } = accessOf({ kernel, ctx: { inputs: read.map((t) => t.type), outputs: made, params } });
    read.forEach((t, k) => {
      for (const { at } of reads[k] ?? [])
        at.forEach((index, axis) => {
          const [, kind, number] = /^1\*([or])(\d+)\+0$/.exec(index.key) ?? [];
          if (kind) together.join(name(t, axis), kind === "o" ? `${id}.${number}` : `${id}r${number}`);
        });
    });
    if (op.name !== "reshape") continue;
    const [from, to] = [read[0]!.shape, made[0]!.shape];
    if (flattens(from, to)) seeds.push([`${id}.${to.length - 1}`, imageOf(from)]);
    if (flattens(to, from)) seeds.push([name(read[0]!, from.length - 1), imageOf(to)]);
  }

  const images = new Map(seeds.map(([axis, image]) => [together.find(axis), image]));
  const found = new Map<string, Map<number, Image>>();
  for (const { path, value } of inputs) {
    const axes = value.shape.map((_, axis) => [axis, images.get(together.find(`${value.node.id}.${axis}`))] as const);
    const flat = axes.filter((a): a is [number, Image] => a[1] !== undefined);
    if (flat.length) found.set(path, new Map(flat));
  }
  return found;
}

const imageOf = (shape: readonly number[]): Image => shape.slice(1) as unknown as Image;

/** Images [N, H, W, C] become rows of H·W·C, and the order matters. */
function flattens(images: readonly number[], rows: readonly number[]): boolean {
  const [, h = 0, w = 0, c = 0] = images;
  return images.length === 4 && rows.length !== 4 && rows.at(-1) === h * w * c && h * w > 1 && c > 1;
}

/** Disjoint sets of names. */
class Sets {
  readonly #parent = new Map<string, string>();

  find(name: string): string {
    let root = name;
    for (let up = this.#parent.get(root); up !== undefined; up = this.#parent.get(root)) root = up;
    if (root !== name) this.#parent.set(name, root);
    return root;
  }

  join(a: string, b: string): void {
    const [from, to] = [this.find(a), this.find(b)];
    if (from !== to) this.#parent.set(from, to);
  }
}
