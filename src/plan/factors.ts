// Factors: what the two factors of a core's terms depend on. Along some dimensions one changes and the other does not: there a lane can walk (walk.ts).
import { Index } from "../graph/affine.ts";
import type { Lower, ReduceKernel } from "../graph/op.ts";
import type { Shape, TensorType } from "../shape/types.ts";
import type { Group } from "./fuse.ts";
import type { Step } from "./step.ts";

/** What a factor of a term is made from: the coordinates that decide it (o<d>, r<d>), and which of the term's reads are its. */
export interface Factor {
  readonly from: ReadonlySet<string>;
  readonly reads: ReadonlySet<number>;
}

/** The two factors of a core's terms: one that changes along a walk, and one that can be held. */
export interface Roles {
  readonly factors: readonly Factor[];
  readonly walker: number;
  readonly panel: number;
}

/** The factors of a core's terms. */
export function factorsOf({ kernel, ctx }: Step): Factor[] {
  const { extents, term } = kernel as ReduceKernel;
  const tokens = new Map<string, Factor>();
  let reads = 0;
  const made = (text: string): Factor => {
    const parts = (text.match(/\bt\d+_/g) ?? []).map((t) => tokens.get(t) as Factor);
    return { from: new Set(parts.flatMap((p) => [...p.from])), reads: new Set(parts.flatMap((p) => [...p.reads])) };
  };
  const token = (from: Iterable<string>, own: Iterable<number> = []): string => {
    const name = `t${tokens.size}_`;
    tokens.set(name, { from: new Set(from), reads: new Set(own) });
    return name;
  };
  const coordinates = (at: readonly Index[]) => at.flatMap((i) => i.coordinates());
  const lower: Lower = {
    read: (_, at) => token(coordinates(at), [reads++]),
    readOr: (_, at, _otherwise, where = "") => token([...coordinates(at), ...made(where).from], [reads++]),
    inside: (i) => token(i.coordinates()),
    multiple: (i) => token(i.coordinates()),
    let: (expression) => expression,
    text: (i) => token(i.coordinates()),
    index: (expression, extent) => Index.atom(expression, 0, extent - 1, [...made(expression).from]),
  };
  const atoms = (letter: string, shape: Shape) => shape.map((n, d) => Index.atom(`${letter}${d}`, 0, n - 1));
  return term(atoms("o", coreShape(ctx)), atoms("r", extents(ctx)), lower, ctx).map(made);
}

const coreShape = ({ outputs }: Step["ctx"]): Shape => (outputs[0] as TensorType).shape;

/** How many elements of the core a tile has for each of the domain: windows that do not overlap (pooling). */
export const windowOf = ({ core, domain }: Group): number[] => {
  const shape = coreShape((core as Step).ctx);
  return domain.map((n, d) => Math.max(1, Math.floor((shape[d] ?? 0) / n)));
};

/** Dimensions of the core that only one factor depends on. */
export function dimensionsOf({ factors, walker }: Roles, rank: number): { along: number[]; across: number[] } {
  const only = (a: number) =>
    Array.from({ length: rank }, (_, d) => d).filter(
      (d) => factors[a]!.from.has(`o${d}`) && !factors[1 - a]!.from.has(`o${d}`),
    );
  return { along: only(walker), across: only(1 - walker) };
}
