// The toy of Higham and Higham, "Deep Learning: An Introduction for Applied Mathematicians", SIAM Review 61, 2019.

/** Ten points of the unit square, five of each class. */
export const points: readonly (readonly [number, number])[] = [
  ...([[0.1, 0.1], [0.3, 0.4], [0.1, 0.5], [0.6, 0.9], [0.4, 0.2]] as const),
  ...([[0.6, 0.3], [0.5, 0.6], [0.9, 0.2], [0.4, 0.4], [0.7, 0.6]] as const),
]; // biome-ignore format: a class a line
