// The toy of Higham and Higham, "Deep Learning: An Introduction for Applied Mathematicians", SIAM Review 61, 2019.

/** Ten points of the unit square, five of each class. */
export const points: readonly (readonly [number, number])[] = [
  ...([[0.1, 0.1], [0.3, 0.4], [0.1, 0.5], [0.6, 0.9], [0.4, 0.2]] as const),
  ...([[0.6, 0.3], [0.5, 0.6], [0.9, 0.2], [0.4, 0.4], [0.7, 0.6]] as const),
]; // biome-ignore format: a class a line

/** Draws them into a square of so many pixels: rings of the first class, crosses of the second. */
export function drawPoints(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  side: number,
  colours: readonly [string, string],
): void {
  context.lineWidth = side / 90;
  const r = side / 51;
  points.forEach(([x, y], k) => {
    const [px, py] = [x * side, (1 - y) * side];
    context.strokeStyle = colours[k < 5 ? 0 : 1];
    context.beginPath();
    if (k < 5) context.arc(px, py, r, 0, 2 * Math.PI);
    else
      for (const s of [-1, 1]) {
        context.moveTo(px - r, py - s * r);
        context.lineTo(px + r, py + s * r);
      }
    context.stroke();
  });
}
