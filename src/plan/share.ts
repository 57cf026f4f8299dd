// Share: what several lanes of a box (lanes.ts) would load alike they load once, filling workgroup memory together. A unit is what one load
// fetches: a vec4 or a scalar.
import type { Index } from "../graph/affine.ts";
import { numel } from "../shape/types.ts";
import type { Buffer } from "./data.ts";
import type { Block, Load } from "./emit.ts";
import type { Lanes } from "./lanes.ts";

export interface Unit {
  readonly key: string;
  readonly load: Load;
  /** In units of the buffer. */
  readonly index: Index;
}

/** Units of one buffer whose places differ by constants. */
interface Family {
  readonly units: Unit[];
}

/** The units of a block's own loads, each once. */
function familiesOf(block: Block, unitOf: (load: Load) => Unit): Family[] {
  const families = new Map<string, Family>();
  // by identity: outputs of one step have one name
  const buffers = new Map<Buffer, number>();
  const seen = new Set<string>();
  for (const s of block) {
    if (typeof s === "string" || "loop" in s || s.kind !== "load") continue;
    const unit = unitOf(s);
    if (seen.has(unit.key)) continue;
    seen.add(unit.key);
    if (!buffers.has(s.buffer)) buffers.set(s.buffer, buffers.size);
    const key = `${buffers.get(s.buffer)} ${unit.index.sub(unit.index.constant).key}`;
    const family = families.get(key);
    if (family) family.units.push(unit);
    else families.set(key, { units: [unit] });
  }
  return [...families.values()];
}

/** A family that a box loads together: an array of workgroup memory, [units, copies]. */
export interface BoxLoad {
  readonly name: string;
  readonly units: readonly Unit[];
  /** Dimensions of the box that tell copies apart. */
  readonly dims: readonly number[];
  readonly copies: number;
}

/** Which loads of a loop's body the lanes of a box share: those whose place is a sum of lane coordinates and loop variables, and does not depend
 *  on every dimension of the box. */
export function boxLoads(block: Block, { group }: Lanes, unitOf: (load: Load) => Unit): BoxLoad[] {
  if (!group) return [];
  return familiesOf(block, unitOf).flatMap(({ units }): BoxLoad[] => {
    const [{ index, load }] = units as [Unit];
    if (!index.terms.every(({ atom }) => !atom.of && /^[or]\d+$/.test(atom.name))) return [];
    const dims = group.flatMap((n, d) => (n > 1 && index.terms.some(({ atom }) => atom.name === `o${d}`) ? [d] : []));
    const copies = numel(dims.map((d) => group[d] as number));
    if (copies === numel(group)) return [];
    return [{ name: `shared_${load.name}`, units, dims, copies }];
  });
}
