// What the recurrent ops share: their shapes, and how their kernels (shaders/recurrence.ts) are dispatched.
import type { Sizes, Tile, Which } from "../../../shaders/recurrence.ts";
import type { Adapter, CustomDispatch, CustomNames } from "../../graph/op.ts";
import { ShapeError } from "../../shape/errors.ts";
import { printType, type Shape, sameShape, type TensorType } from "../../shape/types.ts";
import { requireDtype, requireRank } from "../define.ts";

/** "loop": one dispatch, in which workgroups own rows of the batch and loop over time. "step": a dispatch a step. Default: by size. */
export interface FormParams {
  readonly form?: "loop" | "step";
}

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

/** A tile for the product of a step, [batch, units] · [units, gates·units]; of the backward pass `gates` is 1. */
export function tileOf(s: Sizes, gates: number, adapter: Adapter, { form }: FormParams): Tile {
  const loop = form ? form === "loop" : !adapter.software && s.units <= mostLoopUnits;
  const wide = s.units % 4 === 0 && (adapter.software || !loop);
  const width = wide ? 4 : 1;
  const vectors = s.units / width;
  if (adapter.software) {
    // what a CPU's registers hold, near enough
    const rows = Math.min(8, s.batch);
    const blocks = wide && gates === 1 && vectors % 2 === 0 ? 2 : 1;
    const [group, workgroupSize] = loop ? [rows, Math.min(64, vectors / blocks)] : [null, 16];
    return { rows, blocks, width, unroll: 1, group, workgroupSize };
  }
  const unroll = [4, 3, 2, 1].find((n) => vectors % n === 0) as number;
  // a lane has a unit of a row, until there are lanes enough
  const group = Math.min(s.batch, Math.ceil(64 / vectors));
  if (loop) return { rows: 1, blocks: 1, width, unroll, group, workgroupSize: Math.min(128, group * vectors) };
  const rows = Math.max(1, Math.min(8, Math.floor((s.batch * vectors * 4) / adapter.lanes)));
  return { rows, blocks: 1, width, unroll: vectors % 2 === 0 ? 2 : 1, group: null, workgroupSize: 64 };
}

/** The dispatches of all steps. */
export function dispatchesOf(
  label: string,
  s: Sizes,
  tile: Tile,
  gates: number,
  backward: boolean,
  code: (names: CustomNames, which: Which) => { declarations: string; body: string },
): CustomDispatch[] {
  const { rows, blocks, width, workgroupSize, group } = tile;
  const lanes = (Math.ceil(s.batch / rows) * s.units) / width / blocks;
  const workgroups = group ? Math.ceil(s.batch / group) : Math.ceil(lanes / workgroupSize);
  const stepWork = s.batch * s.units * gates * s.units;
  const common = {
    workgroupSize: [workgroupSize, 1, 1] as const,
    workgroups: [workgroups, 1, 1] as const,
    vec4: width === 4,
  };
  const all = { ...common, label, multiplyAdds: stepWork * s.steps };
  if (group) return [{ ...all, code: (names) => code(names, "all") }];
  return Array.from({ length: s.steps }, (_, i): CustomDispatch => {
    const time = backward ? s.steps - 1 - i : i;
    const step = { ...common, label: `${label} at ${time}`, multiplyAdds: stepWork };
    if (i === 0) return { ...step, code: (names) => code(names, "first") };
    return { ...step, index: time, code: (names) => code(names, { time: names.index }) };
  });
}
