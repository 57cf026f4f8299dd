// Broadcasting after NumPy: shapes align at the right; a size of 1 stretches.
import { ShapeError } from "./errors.ts";
import type { Shape } from "./types.ts";

/** The common shape of `shapes`, or a ShapeError that names the op. */
export function broadcastShapes(op: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  const out: number[] = [];
  for (let d = 0; d < rank; d++) {
    let size = 1;
    for (const s of shapes) {
      const n = s[s.length - rank + d] ?? 1;
      if (n === 1 || n === size) continue;
      if (size !== 1)
        throw new ShapeError(
          `${op}: shapes ${shapes.map((x) => `[${x}]`).join(" and ")} do not broadcast (${size} vs ${n} in dimension ${d - rank}); sizes must be equal or 1`,
        );
      size = n;
    }
    out.push(size);
  }
  return out;
}

/** Non-negative, sorted, distinct axes; `undefined` means all. Throws ShapeError on an axis out of range or given twice. */
export function normaliseAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => normaliseAxis(op, a, rank));
  if (new Set(list).size !== list.length)
    throw new ShapeError(`${op}: axes [${axes}] name an axis twice; name each once`);
  return list.sort((a, b) => a - b);
}

export function normaliseAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new ShapeError(`${op}: axis ${axis} is out of range for rank ${rank}; give ${-rank} … ${rank - 1}`);
  return axis < 0 ? axis + rank : axis;
}
