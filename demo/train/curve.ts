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

  /** An exponential mean whose memory is a fortieth of the curve, free of the bias of its start. */
  get smooth(): number[] {
    const keep = Math.exp(-1 / Math.max(3, this.#ys.length / 40));
    let [sum, weight] = [0, 0];
    return this.#ys.map((y) => {
      sum = keep * sum + y;
      weight = keep * weight + 1;
      return sum / weight;
    });
  }
}
