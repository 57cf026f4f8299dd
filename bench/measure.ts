// Sampling: warm-up, runs long enough to be timed, medians with their spread, two contestants in turn.

/** Of samples: the middle, the extremes and the middle half. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** First and third quartile. */
  readonly quartiles: readonly [number, number];
  readonly samples: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => {
    const i = q * (sorted.length - 1);
    const low = sorted[Math.floor(i)] as number;
    return low + (i - Math.floor(i)) * ((sorted[Math.ceil(i)] as number) - low);
  };
  return { median: at(0.5), min: at(0), max: at(1), quartiles: [at(0.25), at(0.75)], samples: sorted.length };
}

/** Runs each by itself, so that one that fails costs no other; throws at the end if one did. */
export async function each<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  run: (item: T) => Promise<void>,
  send: (text: string) => void,
): Promise<void> {
  const failed: string[] = [];
  for (const [i, item] of all.entries()) {
    send(`${i + 1} of ${all.length}: ${nameOf(item)}`);
    try {
      await run(item);
    } catch (error) {
      failed.push(nameOf(item));
      send(`${nameOf(item)} FAILED: ${(error as Error).message}`);
    }
  }
  if (failed.length) throw new Error(`bench: ${failed.length} of ${all.length} failed: ${failed.join("; ")}`);
}

/** Does something `count` times, to its end on the device. Gives the milliseconds of JavaScript that took, waits left out. */
export type Work = (count: number) => Promise<number>;

export interface Timed {
  /** Of one time. */
  readonly milliseconds: number;
  readonly js: number;
}

export async function time(work: Work, count: number): Promise<Timed> {
  const start = performance.now();
  const js = await work(count);
  return { milliseconds: (performance.now() - start) / count, js: js / count };
}

/** Warms up, and finds how often to do it so that a sample takes `milliseconds`; `unit` divides the answer. */
export async function calibrate(work: Work, milliseconds: number, unit = 1): Promise<number> {
  let count = unit;
  for (;;) {
    const total = count * (await time(work, count)).milliseconds;
    const next = unit * Math.max(1, Math.round((count * milliseconds) / total / unit));
    if (total >= milliseconds / 2 || next <= count) return next;
    count = Math.min(next, 16 * count);
  }
}

export interface Sampled {
  readonly milliseconds: Spread;
  readonly jsMicroseconds: Spread;
}

export const sampled = (times: readonly Timed[]): Sampled => ({
  milliseconds: spread(times.map((t) => t.milliseconds)),
  jsMicroseconds: spread(times.map((t) => 1000 * t.js)),
});

/** Measures JavaScript only: `f` may not wait. A call counts as long as the median call: where kernels run on all cores (SwiftShader), the system
 *  takes the thread away for milliseconds now and then. */
export class JsClock {
  readonly #times: number[] = [];

  run<T>(f: () => T): T {
    const start = performance.now();
    try {
      return f();
    } finally {
      this.#times.push(performance.now() - start);
    }
  }

  get milliseconds(): number {
    return this.#times.length * spread(this.#times).median;
  }
}
