// numpy.random.seed(seed); numpy.random.uniform(size=n): the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), 53 bits a number.

const size = 624;
const shift = 397;

export function uniforms(seed: number, n: number): number[] {
  const next = twister(seed);
  return Array.from({ length: n }, () => {
    const [high, low] = [next() >>> 5, next() >>> 6];
    return (high * 2 ** 26 + low) / 2 ** 53;
  });
}

function twister(seed: number): () => number {
  const state = new Uint32Array(size);
  state[0] = seed;
  for (let i = 1; i < size; i++) {
    const before = state[i - 1]!;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  let at = size;
  return () => {
    if (at === size) {
      for (let i = 0; i < size; i++) {
        const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
        state[i] = state[(i + shift) % size]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}
