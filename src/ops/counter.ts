// Counter-based random numbers: a pure function of key and counter, with no state, so that any element can be had on its own,
// in any order, on any device. shaders/random.ts is the same arithmetic in WGSL, bit for bit.

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Threefry-2x32 with 20 rounds: 64 random bits from a 64-bit key and a 64-bit counter. (Salmon, Moraes, Dror, Shaw: Parallel
 *  random numbers: as easy as 1, 2, 3, SC11.) */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const key = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    for (const r of rotations[group % 2]!) {
      x = (x + y) | 0;
      y = rotate(y, r) ^ x;
    }
    x = (x + key[(group + 1) % 3]!) | 0;
    y = (y + key[(group + 2) % 3]! + group + 1) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/** MurmurHash3's finaliser (A. Appleby). */
function mix32(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Half the bits of the smallest power of 4 that is at least n, and at least 4. */
export function halfBits(n: number): number {
  let half = 1;
  while (4 ** half < n) half++;
  return half;
}

/** Where a pseudo-random permutation of 0 … n−1, chosen by the key, sends `position` (mod n): a Feistel network of 8 rounds on
 *  0 … 4^h − 1, walked until it falls below n. (Black, Rogaway: Ciphers with arbitrary finite domains, 2002.) */
export function shuffledIndex(position: number, key0: number, key1: number, n: number): number {
  const half = halfBits(n);
  const mask = 2 ** half - 1;
  let x = (position >>> 0) % n;
  do {
    let left = x >>> half;
    let right = x & mask;
    for (let round = 0; round < 8; round++) {
      const hash = mix32((mix32(right ^ key0) + key1 + Math.imul(round, 0x9e3779b9)) | 0);
      [left, right] = [right, left ^ (hash & mask)];
    }
    x = ((left << half) | right) >>> 0;
  } while (x >= n);
  return x;
}
