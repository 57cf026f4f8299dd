// Quads: four lanes in a row, which hand values to each other.

/** WGSL of what the lane at place p ^ s of the quad has, p being a lane's own place. */
export const exchanged = (value: string, s: number): string =>
  s === 0 ? value : `quadSwap${["X", "Y", "Diagonal"][s - 1]}(${value})`;
