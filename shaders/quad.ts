// Quads: four lanes in a row, which hand values to each other.

/** WGSL of what the lane at place p ^ s of the quad has, p being a lane's own place and s 1, 2 or 3. */
export const exchanged = (value: string, s: number): string => `quadSwap${["", "X", "Y", "Diagonal"][s]}(${value})`;

/** The same where it is a factor of many products, s being 0 too: an exchange forth and back. SwiftShader's compiler keeps in a register, for its uses in a
 *  row, what is made right before them; what was loaded it would take from memory, and put back, for each (measured: 14 against 17.5 ms). */
export const received = (value: string, s: number): string =>
  s === 0 ? exchanged(exchanged(value, 1), 1) : exchanged(value, s);

/** What opens a module whose quads exchange values. A quad is in or out as a whole where it matters, which WGSL's analysis cannot see. */
export const subgroups = "enable subgroups;\ndiagnostic(off, subgroup_uniformity);";
