// Quads: four lanes in a row, which hand values to each other.

/** WGSL of what the lane at place p ^ s of the quad has, p being a lane's own place and s 1, 2 or 3. */
export const exchanged = (value: string, s: number): string => `quadSwap${["", "X", "Y", "Diagonal"][s]}(${value})`;

/** What opens a module whose quads exchange values. A quad is in or out as a whole where it matters, which WGSL's analysis cannot see. */
export const subgroups = "enable subgroups;\ndiagnostic(off, subgroup_uniformity);";
