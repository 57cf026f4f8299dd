// The shapes that the net learns, as maps of the unit sphere, and the data set that is made of them.
import { f32, type NdArray, ndarray } from "wgrad";

type Point = readonly [number, number, number];

const scaled = ([x, y, z]: Point, s: number): Point => [s * x, s * y, s * z];

function twisted([x, y, z]: Point, turn: number): Point {
  const [c, s] = [Math.cos(turn * y), Math.sin(turn * y)];
  return [c * x - s * z, y, s * x + c * z];
}

const cube = (d: Point): Point => scaled(d, 0.85 / (d[0] ** 6 + d[1] ** 6 + d[2] ** 6) ** (1 / 6));

function blossom([x, y, z]: Point): Point {
  const petals = Math.cos(5 * Math.atan2(z, x)) * (1 - y * y) ** 1.5;
  return scaled([x, 0.7 * y, z], 0.85 + 0.4 * petals);
}

export const shapes: readonly ((direction: Point) => Point)[] = [(d) => d, cube, (d) => twisted(cube(d), 1.5), blossom];

/** x f32[n, 3 + shapes]: a direction, and which shape; y f32[n, 3]: where that shape has it. */
export function shapeData(n: number): { x: NdArray; y: NdArray } {
  const x: number[] = [];
  const y: number[] = [];
  for (let i = 0; i < n; i++) {
    const height = 1 - (2 * i + 1) / n; // on a spiral over the sphere
    const angle = i * Math.PI * (3 - Math.sqrt(5));
    const r = Math.sqrt(1 - height * height);
    const d: Point = [r * Math.cos(angle), height, r * Math.sin(angle)];
    const which = (i + Math.floor(i / 13)) % shapes.length;
    x.push(...d, ...shapes.map((_, k) => Number(k === which)));
    y.push(...shapes[which]!(d));
  }
  return { x: ndarray(f32(n, 3 + shapes.length), x), y: ndarray(f32(n, 3), y) };
}

const small = 0.02;

/** Directions f32[3N, 3]: the vertices of a sphere (four numbers each); then a little to one side of each, and to another: a surface's normal
 *  is seen from where it has the three. */
export function rays(sphere: Float32Array): NdArray {
  const directions: Point[] = [];
  for (let i = 0; i < sphere.length; i += 4) directions.push([sphere[i]!, sphere[i + 1]!, sphere[i + 2]!]);
  const unit = (v: Point) => scaled(v, 1 / Math.hypot(...v));
  const cross = (a: Point, b: Point): Point => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
  const first = (d: Point) => unit(cross(d, Math.abs(d[1]) < 0.9 ? [0, 1, 0] : [1, 0, 0]));
  const aside = (d: Point, to: Point) => unit([d[0] + small * to[0], d[1] + small * to[1], d[2] + small * to[2]]);
  const all = [
    ...directions,
    ...directions.map((d) => aside(d, first(d))),
    ...directions.map((d) => aside(d, cross(d, first(d)))),
  ];
  return ndarray(f32(all.length, 3), all.flat());
}
