// Counter-based random numbers in WGSL. src/ops/counter.ts is the same arithmetic on the CPU, bit for bit.

const keys = ["key.x", "key.y", "key2"];

// five groups of four rounds, a piece of the key added after each
const groups = [0, 1, 2, 3, 4]
  .flatMap((group) => [
    ...(group % 2 === 0 ? [13, 15, 26, 6] : [17, 29, 16, 24]).map(
      (r) => `  x.x += x.y; x.y = ((x.y << ${r}u) | (x.y >> ${32 - r}u)) ^ x.x;`,
    ),
    `  x += vec2u(${keys[(group + 1) % 3]}, ${keys[(group + 2) % 3]} + ${group + 1}u);`,
  ])
  .join("\n");

/** Name → complete source. A module that calls a function carries it, and those that it calls. */
export const functions: Record<string, string> = {
  // Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC11).
  threefry: `
fn threefry(key: vec2u, counter: vec2u) -> vec2u {
  let key2 = key.x ^ key.y ^ 0x1bd11bdau;
  var x = counter + key;
${groups}
  return x;
}`,

  // MurmurHash3's finaliser (A. Appleby): a bijection of 32 bits in which every input bit moves every output bit.
  mix32: `
fn mix32(value: u32) -> u32 {
  var h = value;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}`,

  // A pseudo-random permutation of 0 … n−1: a balanced Feistel network permutes 0 … 4^half_bits − 1; what falls outside
  // walks on until it falls inside (Black and Rogaway: Ciphers with arbitrary finite domains, 2002). The walk starts inside,
  // and its cycle leads back there, so it ends.
  shuffle_index: `
fn shuffle_index(position: u32, key: vec2u, n: u32, half_bits: u32) -> u32 {
  let mask = (1u << half_bits) - 1u;
  var x = position % n;
  loop {
    var left = x >> half_bits;
    var right = x & mask;
    for (var round = 0u; round < 8u; round++) {
      let next = left ^ (mix32(mix32(right ^ key.x) + key.y + round * 0x9e3779b9u) & mask);
      left = right;
      right = next;
    }
    x = (left << half_bits) | right;
    if (x < n) { break; }
  }
  return x;
}`,
};
