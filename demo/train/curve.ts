// A curve that grows without end and stays short: when it has too many points, neighbours are averaged.

const most = 1000;

export class Curve {
  #stride = 1;
  #xs: number[] = [];
  #ys: number[] = [];
  #sum = 0;
  #count = 0;

  /** The value of the next step, `x`. */
  add(x: number, y: number): void {
    this.#sum += y;
    if (++this.#count < this.#stride) return;
    this.#xs.push(x);
    this.#ys.push(this.#sum / this.#count);
    this.#sum = this.#count = 0;
    if (this.#xs.length < most) return;
    this.#xs = this.#xs.filter((_, i) => i % 2 === 1);
    this.#ys = this.#xs.map((_, i) => ((this.#ys[2 * i] as number) + (this.#ys[2 * i + 1] as number)) / 2);
    this.#stride *= 2;
  }

  get x(): readonly number[] {
    return this.#xs;
  }

  get raw(): readonly number[] {
    return this.#ys;
  }

  /** The mean of what lies round each point, to both sides alike so that it does not lag behind: weights fall exponentially, over a 50th of
   *  the curve, and over less where it begins, which is where it is steep. Of the logarithms for a logarithmic axis. */
  smooth(logarithmic = false): number[] {
    const reach = this.#ys.length / 50;
    const keep = this.#ys.map((_, i) => Math.exp(-1 / Math.min(reach, (i + 0.3) / 3)));
    const values = logarithmic ? this.#ys.map(Math.log) : this.#ys;
    const before = sums(values, keep);
    const after = sums(values.toReversed(), keep.reverse()).reverse();
    return values.map((value, i) => {
      const [a, b] = [before[i] as Sum, after[i] as Sum];
      const mean = (a.sum + b.sum - value) / (a.weight + b.weight - 1); // the point itself is in both
      return logarithmic ? Math.exp(mean) : mean;
    });
  }
}

interface Sum {
  readonly sum: number;
  readonly weight: number;
}

/** Of each value and those before it, each step back worth `keep` times as much. */
function sums(values: readonly number[], keep: readonly number[]): Sum[] {
  let [sum, weight] = [0, 0];
  return values.map((value, i) => {
    sum = keep[i]! * sum + value;
    weight = keep[i]! * weight + 1;
    return { sum, weight };
  });
}
