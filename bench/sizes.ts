// Times over sizes: contestants are measured size by size, and compared.
import { spread, type Work } from "./measure.ts";
import type { Row } from "./results.ts";

/** Median milliseconds at one size; absent where a smaller size was too slow, or it cannot run. */
export interface Point {
  readonly size: number;
  readonly gpu?: number;
  readonly gpuInChain?: number;
  readonly reference?: number;
  readonly wasm?: number;
}

export interface Series extends Row {
  readonly axis: string;
  readonly points: readonly Point[];
}

export type Side = Exclude<keyof Point, "size">;

/** A call that takes longer ends its contestant's sizes. */
const patience = 500;
/** A sample takes at least so many milliseconds. */
const least = 10;

/** Calls or steps in a chain. */
export const chain = 16;

/** Measures the contestants size by size, each until it is too slow. */
export class Sizes {
  readonly points: Point[] = [];
  readonly #samples: number;
  readonly #ended = new Set<Side>();

  constructor(samples: number) {
    this.#samples = samples;
  }

  /** Adds a point; `works` gives each contestant's work, made only if it still runs; in a chain it is `chain` times the work. */
  async add(size: number, works: Partial<Record<Side, () => Work | null | Promise<Work | null>>>): Promise<void> {
    const point: Record<string, number> = { size };
    for (const [side, make] of Object.entries(works) as [Side, () => Work | null | Promise<Work | null>][]) {
      if (this.#ended.has(side)) continue;
      const work = await make();
      if (!work) continue;
      const milliseconds = (await medianOf(work, this.#samples)) / (side === "gpuInChain" ? chain : 1);
      point[side] = milliseconds;
      if (milliseconds > patience) this.#ended.add(side);
    }
    this.points.push(point as unknown as Point);
  }
}

async function medianOf(work: Work, samples: number): Promise<number> {
  const run = async (count: number) => {
    const start = performance.now();
    await work(count);
    return performance.now() - start;
  };
  const first = await run(1);
  if (first > patience) return first;
  let count = 1;
  for (let t = await run(1); t < least && count < 1 << 14; t = await run(count)) count *= 2;
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push((await run(count)) / count);
  return spread(times).median;
}

/** The smallest size from which on `a` is faster than `b` at every size that both ran; null if it never is. */
export function crossover(points: readonly Point[], a: Side, b: Side): number | null {
  const both = points.filter((p) => p[a] !== undefined && p[b] !== undefined);
  const last = both.findLastIndex((p) => (p[a] as number) >= (p[b] as number));
  return both[last + 1]?.size ?? null;
}
