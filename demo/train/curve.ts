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

  /** An exponential mean whose memory is a 25th of the curve, free of the bias of its start; of the logarithms for a logarithmic axis. */
  smooth(logarithmic = false): number[] {
    const keep = Math.exp(-25 / this.#ys.length);
    let [sum, weight] = [0, 0];
    return this.#ys.map((y) => {
      sum = keep * sum + (logarithmic ? Math.log(y) : y);
      weight = keep * weight + 1;
      return logarithmic ? Math.exp(sum / weight) : sum / weight;
    });
  }
}
