// Indexing by tensors of indices. An index out of range is an error of the CPU reference; a GPU cannot throw: gather reads the
// nearest element, scatterAdd and oneHot leave the index out.
import type { Op } from "../graph/op.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import { allocate, eachIndex, type NdArray } from "../shape/ndarray.ts";
import { type DType, numel, printType, type Shape, sameShape, strides, type TensorType } from "../shape/types.ts";
import { requireDtype } from "./define.ts";

const indexDtypes: readonly DType[] = ["i32", "u32", "u8"];

/** out[a…, i…, b…] = table[a…, indices[i…], b…], where a… has `axis` dimensions. */
export const gather: Op<{ axis: number }> = {
  name: "gather",
  type([table, indices], { axis }) {
    requireDtype("gather", "indices", indices!, ...indexDtypes);
    return [
      {
        dtype: table!.dtype,
        shape: [...table!.shape.slice(0, axis), ...indices!.shape, ...table!.shape.slice(axis + 1)],
      },
    ];
  },
  reference([table, indices], { axis }, [type]) {
    const data = allocate(type!.dtype, numel(type!.shape));
    const size = table!.shape[axis]!;
    eachRow(table!.shape, indices!, axis, size, "gather", (out, row) => {
      data[out] = table!.data[row]!;
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 1,
    element(at, lower, { inputs: [table, indices], params: { axis } }) {
      const end = axis + indices!.shape.length;
      const row = lower.index(lower.let(lower.read(1, at.slice(axis, end))), table!.shape[axis]!);
      return [lower.read(0, [...at.slice(0, axis), row, ...at.slice(end)])];
    },
  },
  gradient: ([d], { inputs: [table, indices], params: { axis } }) => [
    d!.scatterAdd(indices!, table!.shape[axis]!, axis),
    null,
  ],
};

/** out[a…, v, b…] = Σᵢ [indices[i…] = v]·updates[a…, i…, b…]: the transpose of gather. A sum, not a scatter: it is the same at
 *  every run, whatever indices coincide. */
export const scatterAdd: Op<{ axis: number; size: number }> = {
  name: "scatterAdd",
  type([indices, updates], { axis, size }) {
    requireDtype("scatterAdd", "indices", indices!, ...indexDtypes);
    requireDtype("scatterAdd", "updates", updates!, "f32");
    const end = axis + indices!.shape.length;
    if (!sameShape(updates!.shape.slice(axis, end), indices!.shape))
      throw new ShapeError(
        `scatterAdd: updates ${printType(updates!)} do not hold the indices ${printType(indices!)} at axis ${axis} ([${updates!.shape.slice(axis, end)}] vs [${indices!.shape}]); give one update an index`,
      );
    return [{ dtype: "f32", shape: [...updates!.shape.slice(0, axis), size, ...updates!.shape.slice(end)] }];
  },
  reference([indices, updates], { axis, size }, [type]) {
    const data = allocate("f32", numel(type!.shape));
    eachRow(type!.shape, indices!, axis, size, "scatterAdd", (update, row) => {
      data[row]! += updates!.data[update]!;
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "reduce",
    combine: "sum",
    extents: ({ inputs: [indices] }) => indices!.shape,
    term: (at, r, lower, { params: { axis } }) => [
      `select(0.0f, 1.0f, i32(${lower.read(0, r)}) == ${lower.text(at[axis]!)})`,
      lower.read(1, [...at.slice(0, axis), ...r, ...at.slice(axis + 1)]),
    ],
  },
  gradient: ([d], { inputs: [indices], params: { axis } }) => [null, d!.gather(indices!, axis)],
};

/** out[i…, v] = 1 where indices[i…] = v, else 0; f32. */
export const oneHot: Op<{ depth: number }> = {
  name: "oneHot",
  type([indices], { depth }) {
    requireDtype("oneHot", "indices", indices!, ...indexDtypes);
    if (!(Number.isInteger(depth) && depth >= 1))
      throw new ShapeError(
        `oneHot: the depth must be a positive integer (${depth} vs ≥ 1); give the number of classes`,
      );
    return [{ dtype: "f32", shape: [...indices!.shape, depth] }];
  },
  reference([indices], { depth }, [type]) {
    const data = allocate("f32", numel(type!.shape));
    indices!.data.forEach((v: number, i: number) => {
      data[i * depth + inRange("oneHot", v, depth)] = 1;
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 1,
    element: (at, lower) => [`select(0.0f, 1.0f, i32(${lower.read(0, at.slice(0, -1))}) == ${lower.text(at.at(-1)!)})`],
  },
  gradient: null,
};

/** The index along an axis. */
export const iota: Op<{ type: TensorType; axis: number }> = {
  name: "iota",
  type: (_, { type }) => [type],
  reference(_, { axis }, [type]) {
    const data = allocate(type!.dtype, numel(type!.shape));
    eachIndex(type!.shape, (index, flat) => {
      data[flat] = index[axis]!;
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 0,
    element: (at, lower, { params: { type, axis } }) => [`${type.dtype}(${lower.text(at[axis]!)})`],
  },
  gradient: null,
};

function inRange(op: string, index: number, size: number): number {
  if (index < 0 || index >= size)
    throw new ValueError(`${op}: index ${index} is out of range (${index} vs 0 … ${size - 1}); check the indices`);
  return index;
}

/** Pairs of flat indices: of [a…, i…, b…] in the gathered array, and of [a…, indices[i…], b…] in the table. */
function eachRow(
  table: Shape,
  indices: NdArray,
  axis: number,
  size: number,
  op: string,
  visit: (gathered: number, row: number) => void,
): void {
  const rank = indices.shape.length;
  const s = strides(table);
  const si = strides(indices.shape);
  eachIndex([...table.slice(0, axis), ...indices.shape, ...table.slice(axis + 1)], (index, flat) => {
    const which = index.slice(axis, axis + rank).reduce((sum, i, d) => sum + i * si[d]!, 0);
    const row = [...index.slice(0, axis), inRange(op, indices.data[which]!, size), ...index.slice(axis + rank)];
    visit(
      flat,
      row.reduce((sum, i, d) => sum + i * s[d]!, 0),
    );
  });
}
