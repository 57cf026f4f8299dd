// Draws acyclic graphs in layers (Sugiyama, Tagawa and Toda 1981): a node stands below all that it reads; long edges pass the layers between
// through points of their own; the order in a layer follows the neighbours' mean, and so do the places.

export interface Box {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  /** The middle of the top of each box. */
  readonly places: readonly Point[];
  /** For each edge, the points that it passes, from the bottom of its first box to the top of its second. */
  readonly routes: readonly (readonly Point[])[];
  readonly width: number;
  readonly height: number;
}

interface Item extends Box {
  readonly layer: number;
  readonly above: Item[];
  readonly below: Item[];
  x: number;
}

const gap = { x: 18, y: 34 };
const sweeps = 12;

/** Places boxes by the edges between them, given as pairs of indices. The edges must have no cycle. */
export function layout(boxes: readonly Box[], edges: readonly (readonly [number, number])[]): Layout {
  const depth = depths(boxes.length, edges);
  const item = (box: Box, layer: number): Item => ({ ...box, layer, above: [], below: [], x: 0 });
  const items = boxes.map((box, i) => item(box, depth[i] as number));
  const layers: Item[][] = Array.from({ length: Math.max(0, ...depth) + 1 }, () => []);
  for (const i of items) layers[i.layer]?.push(i);
  const chains = edges.map(([from, to]) => {
    const chain = [items[from] as Item];
    for (let l = (depth[from] as number) + 1; l < (depth[to] as number); l++) {
      const point = item({ width: 4, height: 0 }, l);
      layers[l]?.push(point);
      chain.push(point);
    }
    chain.push(items[to] as Item);
    for (let k = 1; k < chain.length; k++) {
      chain[k]?.above.push(chain[k - 1] as Item);
      chain[k - 1]?.below.push(chain[k] as Item);
    }
    return chain;
  });
  for (const layer of layers) pack(layer);
  for (let s = 0; s < sweeps; s++) {
    const down = s % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) settle(layer, down ? "above" : "below");
  }
  const all = layers.flat();
  const left = Math.min(...all.map((i) => i.x - i.width / 2), 0);
  const right = Math.max(...all.map((i) => i.x + i.width / 2), 0);
  const heights = layers.map((l) => Math.max(0, ...l.map((i) => i.height)));
  const tops = heights.map((_, l) => heights.slice(0, l).reduce((y, h) => y + h + gap.y, 0));
  const at = (i: Item, bottom: number): Point => ({ x: i.x - left, y: (tops[i.layer] as number) + bottom });
  return {
    places: items.map((i) => at(i, 0)),
    routes: chains.map((chain) =>
      chain.flatMap((i, k) => {
        const through = heights[i.layer] as number;
        if (k === 0) return [at(i, i.height), at(i, through)];
        return k === chain.length - 1 ? [at(i, 0)] : [at(i, 0), at(i, through)];
      }),
    ),
    width: right - left,
    height: (tops.at(-1) ?? 0) + (heights.at(-1) ?? 0),
  };
}

/** The length of the longest way to each node. */
function depths(count: number, edges: readonly (readonly [number, number])[]): number[] {
  const depth = new Array<number>(count).fill(0);
  for (let changed = true, rounds = 0; changed && rounds <= count; rounds++) {
    changed = false;
    for (const [from, to] of edges) {
      const least = (depth[from] as number) + 1;
      if ((depth[to] as number) >= least) continue;
      depth[to] = least;
      changed = true;
    }
  }
  return depth;
}

/** Side by side, in order. */
function pack(layer: readonly Item[]): void {
  let x = 0;
  for (const i of layer) {
    i.x = x + i.width / 2;
    x += i.width + gap.x;
  }
  for (const i of layer) i.x -= x / 2;
}

/** Orders a layer by the mean of its neighbours and puts each item as near to that as the others let it. */
function settle(layer: Item[], side: "above" | "below"): void {
  const wish = new Map(layer.map((i) => [i, mean(i[side].map((n) => n.x)) ?? i.x]));
  const wished = (i: Item) => wish.get(i) as number;
  layer.sort((a, b) => wished(a) - wished(b));
  // neighbours that would overlap move as one, to the mean of what they wish
  const clusters: { items: Item[]; width: number; centre: number }[] = [];
  for (const i of layer) {
    let cluster = { items: [i], width: i.width, centre: wished(i) };
    for (let last = clusters.at(-1); last && overlap(last, cluster); last = clusters.at(-1)) {
      clusters.pop();
      const width = last.width + gap.x + cluster.width;
      const items = [...last.items, ...cluster.items];
      let offset = -width / 2;
      const offsets = items.map((j) => {
        const middle = offset + j.width / 2;
        offset += j.width + gap.x;
        return middle;
      });
      cluster = { items, width, centre: mean(items.map((j, k) => wished(j) - (offsets[k] as number))) as number };
    }
    clusters.push(cluster);
  }
  for (const { items, width, centre } of clusters) {
    let x = centre - width / 2;
    for (const i of items) {
      i.x = x + i.width / 2;
      x += i.width + gap.x;
    }
  }
}

const overlap = (a: { width: number; centre: number }, b: { width: number; centre: number }) =>
  a.centre + a.width / 2 + gap.x > b.centre - b.width / 2;

const mean = (xs: readonly number[]): number | undefined =>
  xs.length ? xs.reduce((a, b) => a + b, 0) / xs.length : undefined;
