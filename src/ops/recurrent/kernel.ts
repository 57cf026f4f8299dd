// What the recurrent ops share: their shapes, and how their kernels (shaders/recurrence.ts) are dispatched.
import { type HeldTile, heldElements, isHeld } from "../../../shaders/held.ts";
import type { Code, Sizes, Tile, Which } from "../../../shaders/recurrence.ts";
import type { Adapter, CustomDispatch, CustomNames } from "../../graph/op.ts";
import { ShapeError } from "../../shape/errors.ts";
import { printType, type Shape, sameShape, type TensorType } from "../../shape/types.ts";
import { requireDtype, requireRank } from "../define.ts";

/** "step": a dispatch a step. A number: so many steps a dispatch, in which workgroups own rows of the batch. "loop": one dispatch. Default: by
 *  size. */
export type Form = "loop" | "step" | number;

export interface FormParams {
  readonly form?: Form;
}

export const formOf = (form: Form | undefined): FormParams => (form === undefined ? {} : { form });

export function requireShape(op: string, what: string, t: TensorType, shape: Shape): void {
  requireDtype(op, what, t, "f32");
  if (!sameShape(t.shape, shape))
    throw new ShapeError(
      `${op}: ${what} is ${printType(t)}, wanted f32[${shape}] ([${t.shape}] vs [${shape}]); check its sizes`,
    );
}

/** Of x [T,B,G·H] and wh [H,G·H]. */
export function sizesOf(op: string, x: TensorType, wh: TensorType, gates: number): Sizes {
  requireDtype(op, "x", x, "f32");
  requireRank(op, "x", x, 3);
  const [steps, batch, width] = x.shape as [number, number, number];
  const units = width / gates;
  if (steps < 1 || batch < 1 || units < 1 || !Number.isInteger(units))
    throw new ShapeError(
      `${op}: x must be [steps, batch, ${gates}·units], got ${printType(x)} (${width} vs a multiple of ${gates}); give x·Wx + b of every step`,
    );
  requireShape(op, "wh", wh, [units, width]);
  return { steps, batch, units };
}

/** Of states [T+1,B,H]. */
export function statesSizes(op: string, states: TensorType): Sizes {
  requireDtype(op, "the gradient of the states", states, "f32");
  requireRank(op, "the gradient of the states", states, 3);
  const [count, batch, units] = states.shape as [number, number, number];
  return { steps: count - 1, batch, units };
}

/** Gates' rows of more units than this are read too often by workgroups that own few rows each. */
const mostLoopUnits = 192;

/** Multiply-adds of a dispatch, on a CPU and on a GPU: more would seem to hang. */
const mostWork = { software: 2 ** 29, gpu: 2 ** 32 };

/** A tile for the product of a step, [batch, units] · [units, gates·units]; of the backward pass `gates` is 1. */
export function tileOf(s: Sizes, gates: number, adapter: Adapter, { form }: FormParams): Tile {
  const steps = stepsOf(s, adapter, form);
  const loop = steps > 1 || form === "loop" || (form === undefined && adapter.software);
  return adapter.software ? softwareTile(s, gates, adapter, steps, loop) : gpuTile(s, adapter, steps, loop);
}

function stepsOf(s: Sizes, adapter: Adapter, form: Form | undefined): number {
  if (form === "step") return 1;
  if (form === "loop") return s.steps;
  if (form !== undefined) return Math.min(form, s.steps);
  if (!adapter.software && s.units > mostLoopUnits) return 1;
  const most = adapter.software ? mostWork.software : mostWork.gpu;
  return Math.max(1, Math.min(s.steps, Math.floor(most / (s.batch * s.units ** 2 * 4))));
}

/** Multiply-adds from which on a large tile, which takes longer to compile, pays on a CPU. */
const leastWideWork = 2 ** 24;

/** SwiftShader deals workgroups out to its threads beforehand, two to one thread at times: so the work is that of the first ones to start. */
const leastStarters = 16;

/** Units up to which columns are held. */
const mostHeldUnits = 256;

/** Elements of a lane's arrays: with a few variables they are the 8 kB that WGSL lets a function have. */
const mostElements = 2032;

/** Tiles of up to 64 vectors, in columns that quads can share (shaders/recurrence.ts). A group keeps a core busy. */
function softwareTile(s: Sizes, gates: number, adapter: Adapter, steps: number, loop: boolean): Tile {
  const width = s.units % 4 === 0 ? 4 : 1;
  const vectors = s.units / width;
  const quads = adapter.quads && loop && s.batch >= 4;
  const wide = s.steps * s.batch * s.units ** 2 * gates >= leastWideWork;
  const columns = gates === 3 ? 12 : wide ? 8 : 4;
  const blocks = width === 1 ? 1 : ([8, 4, 2].find((n) => n * gates <= columns && vectors % n === 0) ?? 1);
  const most = Math.min(8, 64 / blocks / gates);
  const rows = [8, 4, 2].find((n) => n <= most && (quads ? 8 * n : n) <= s.batch) ?? 1;
  const common = { rows, blocks, width, unroll: 1, steps, quads } as const;
  if (!loop) return { ...common, group: null, starters: null, workgroupSize: 16 };
  const tiles = (quads ? 4 : 1) * (vectors / blocks);
  const group = quads ? 4 * rows : rows;
  const starters = Math.max(leastStarters, 2 ** Math.ceil(Math.log2(s.batch / group)));
  return { ...common, group, starters, workgroupSize: Math.min(64, tiles) };
}

/** The tile, or one whose columns are held: on a CPU that is faster, and sooner compiled. A lane has six or eight columns, which it has registers for, if
 *  they fit: all gates of some units in the forward pass, units' sums over one gate in the backward. */
export function heldTileOf(s: Sizes, gates: number, adapter: Adapter, params: FormParams, backward: boolean): Tile {
  const tile = tileOf(s, backward ? 1 : gates, adapter, params);
  const { batch, units } = s;
  if (!adapter.software || !tile.quads || batch < 16 || units % 16 !== 0 || units > mostHeldUnits) return tile;
  const rows = Math.min(32, Math.ceil(batch / 2));
  const starters = Math.max(leastStarters, 2 ** Math.ceil(Math.log2(batch / rows)));
  const of = (columns: number): HeldTile => ({
    ...{ ...tile, rows, group: rows, width: 1, starters, hold: 64 },
    blocks: backward ? 1 : columns / gates,
    workgroupSize: (gates * units) / columns,
  });
  if (gates === 3 && !backward) return of(6);
  const wide = of(8);
  return units % 32 === 0 && heldElements(s, wide, 8) <= mostElements ? wide : of(4);
}

/** Whether lanes that hold their columns of h·Wh have room for those of x·Wx + b too. */
export function holdsProjection(s: Sizes, gates: number, tile: Tile, features: number): boolean {
  if (!isHeld(tile) || tile.steps < s.steps) return false;
  return heldElements({ ...s, features }, tile, gates * tile.blocks) <= mostElements;
}

/** Elements of the scratch array that a backward pass sums up parts in. */
export function partialsOf(op: string, dhs: TensorType, gates: number): number {
  const { batch, units } = statesSizes(op, dhs);
  return batch * gates * units;
}

function gpuTile(s: Sizes, adapter: Adapter, steps: number, loop: boolean): Tile {
  const width = s.units % 4 === 0 && !loop ? 4 : 1;
  const vectors = s.units / width;
  const unroll = [4, 3, 2, 1].find((n) => vectors % n === 0) as number;
  const common = { blocks: 1, width, steps, starters: null, quads: false } as const;
  // a lane has a unit of a row, until there are lanes enough
  const group = Math.min(s.batch, Math.ceil(64 / vectors));
  if (loop) return { ...common, rows: 1, unroll, group, workgroupSize: Math.min(128, group * vectors) };
  const rows = Math.max(1, Math.min(8, Math.floor((s.batch * vectors * 4) / adapter.lanes)));
  return { ...common, rows, unroll: vectors % 2 === 0 ? 2 : 1, group: null, workgroupSize: 64 };
}

/** The dispatches of all steps. */
export function dispatchesOf(
  label: string,
  s: Sizes,
  tile: Tile,
  gates: number,
  backward: boolean,
  code: (names: CustomNames, which: Which) => Code,
): CustomDispatch[] {
  const { rows, blocks, width, workgroupSize, group } = tile;
  const lanes = (Math.ceil(s.batch / rows) * s.units) / width / blocks;
  const workgroups = group ? (tile.starters ?? Math.ceil(s.batch / group)) : Math.ceil(lanes / workgroupSize);
  const stepWork = s.batch * (s.units + (s.features ?? 0)) * gates * s.units;
  const common = {
    workgroupSize: [workgroupSize, 1, 1] as const,
    workgroups: [workgroups, 1, 1] as const,
    vec4: width === 4,
  };
  const timeOf = (i: number) => (backward ? s.steps - 1 - i : i);
  return Array.from({ length: Math.ceil(s.steps / tile.steps) }, (_, k): CustomDispatch => {
    const [first, end] = [k * tile.steps, Math.min((k + 1) * tile.steps, s.steps)];
    const all = tile.steps >= s.steps;
    const at = end - first > 1 ? `${timeOf(first)} to ${timeOf(end - 1)}` : `${timeOf(first)}`;
    const dispatch = { ...common, label: all ? label : `${label} at ${at}`, multiplyAdds: stepWork * (end - first) };
    if (group && all) return { ...dispatch, code: (names) => code(names, { from: "0u", counter: names.counter }) };
    if (group)
      return { ...dispatch, index: first, code: (names) => code(names, { from: names.index, counter: names.counter }) };
    if (k === 0) return { ...dispatch, code: (names) => code(names, "first") };
    return { ...dispatch, index: timeOf(k), code: (names) => code(names, { time: names.index }) };
  });
}
