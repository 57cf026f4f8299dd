// Numbers that look random and are the same each time.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 12345) >>> 0;
  }

  /** Uniform from `low` to `high`. */
  next(low = -1, high = 1): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return low + (high - low) * (this.#state / 2 ** 32);
  }

  /** A list of them, of two digits. */
  list(n: number, low = -1, high = 1): number[] {
    return Array.from({ length: n }, () => Math.round(100 * this.next(low, high)) / 100);
  }
}
