// The net, and what is made of it for a frame. All of it is traced once and runs on the GPU.
import { concat, nn, type Tensor } from "wgrad";
import { shapes } from "./shapes.ts";

/** Directions with a shape's code, f32[N, 3 + shapes] → points f32[N, 3]. Sines bend where tanh would smooth (Sitzmann et al. 2020), and what is
 *  learned is by what a point differs from the sphere's. */
export const model = nn.functional(
  { first: nn.dense({ units: 48 }), second: nn.dense({ units: 48 }), last: nn.dense({ units: 3 }) },
  ({ first, second, last }, x) => last(second(first(x).mul(5).sin()).sin()).add(columns(x, 0, 3)),
);

const columns = (t: Tensor, from: number, to: number) => t.slice([0, from], [t.shape[0]!, to]);

/** How much of each shape there is at a time, f32[1, shapes]: one after the other, each passing into the next. */
function blend(time: Tensor): Tensor {
  const n = shapes.length;
  const turns = time.mul(0.4 / n);
  const phase = turns.sub(turns.floor()).mul(n);
  const parts = shapes.map((_, k) => {
    const away = phase.sub(k).abs();
    const near = away.minimum(away.neg().add(n)).neg().add(1.25).clip({ low: 0, high: 1 });
    return near.reshape([1, 1]);
  });
  const part = concat(parts, 1);
  return part.div(part.sum());
}

function cross(a: Tensor, b: Tensor): Tensor {
  const [ax, ay, az] = a.split(3, 1) as [Tensor, Tensor, Tensor];
  const [bx, by, bz] = b.split(3, 1) as [Tensor, Tensor, Tensor];
  return concat([ay.mul(bz).sub(az.mul(by)), az.mul(bx).sub(ax.mul(bz)), ax.mul(by).sub(ay.mul(bx))], 1);
}

/** Turned about the vertical, with a fourth component, as three.js stores vertices: f32[N, 4]. */
function placed(t: Tensor, angle: Tensor, fourth: number): Tensor {
  const [x, y, z] = t.split(3, 1) as [Tensor, Tensor, Tensor];
  const [c, s] = [angle.cos(), angle.sin()];
  return concat([x.mul(c).add(z.mul(s)), y, z.mul(c).sub(x.mul(s)), y.mul(0).add(fourth)], 1);
}

/** The model's parameters. */
export type Params<T> = Record<"first" | "second" | "last", Record<"weight" | "bias", T>>;

/** The seconds f32[] that come next, and where the vertices are now, with their normals, for rays f32[3N, 3] (shapes.ts). */
export function frameOf({ time, rays, params }: { time: Tensor; rays: Tensor; params: Params<Tensor> }) {
  const n = rays.shape[0]!;
  const x = concat([rays, blend(time).broadcastTo([n, shapes.length])], 1);
  const points = nn.predict(model, { params, state: {} }, x);
  const [here, first, second] = points.split(3, 0) as [Tensor, Tensor, Tensor];
  const normal = cross(first.sub(here), second.sub(here));
  const length = normal.square().sum(1, true).add(1e-12).sqrt();
  const angle = time.mul(0.35);
  return {
    time: time.add(1 / 60),
    positions: placed(here, angle, 1),
    normals: placed(normal.div(length), angle, 0),
  };
}
