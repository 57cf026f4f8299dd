// Body: prints the statements of one kernel as a WGSL function. Loads and stores of four elements in a row are one vec4; what lanes have in
// common is loaded as share.ts says.
import { Index } from "../graph/affine.ts";
import { numel } from "../shape/types.ts";
import type { Buffer } from "./data.ts";
import { type Block, bounded, type Load, type Nested, type Store } from "./emit.ts";
import type { Kernel } from "./kernel.ts";
import { decode } from "./lanes.ts";
import { type BoxLoad, boxLoads, type Unit } from "./share.ts";

export const isAligned = (i: Index) => i.terms.every((t) => t.coef % 4 === 0);

export const quadKey = (i: Index) => i.sub(component(i)).key;
const component = (i: Index) => ((i.constant % 4) + 4) % 4;

export function quadsOf(stores: readonly Store[]): Map<string, Store[]> {
  const quads = new Map<string, Store[]>();
  for (const s of stores) {
    const key = quadKey(s.index);
    const quad = quads.get(key) ?? [];
    quad[component(s.index)] = s;
    quads.set(key, quad);
  }
  return quads;
}

/** A loop. One that tests at its end spares CPUs a round in which all lanes are masked, but there what it carries takes longer. */
const loopText = ({ loop: { name, times }, carries }: Nested, body: string, indent: string): string =>
  carries > 0
    ? `${indent}for (var ${name} = 0i; ${name} < ${times}i; ${name}++) {\n${body}${indent}}\n`
    : `${indent}{ var ${name}_ = 0i; loop {\n${indent}  let ${name} = ${bounded(`${name}_`, times)};\n${body}` +
      `${indent}  continuing { ${name}_++; break if ${name}_ == ${times}i; } } }\n`;

export interface PrintedKernel {
  readonly wgsl: string;
  /** Declarations of its workgroup memory. */
  readonly memory: readonly string[];
}

/** Of a lane coordinate o<d>: d; of a loop variable: -1. */
const dimension = ({ atom }: { readonly atom: { readonly name: string } }) =>
  atom.name.startsWith("o") ? Number(atom.name.slice(1)) : -1;

/** Where unit number `u` lies, but for lane and loop: steps within steps, or a table. */
function placeOf(units: readonly Unit[], u: string): string {
  const places = units.map((unit) => unit.index.constant);
  const [first] = places as [number];
  const step = (places[1] ?? 0) - first;
  const run = places.findIndex((p, i) => p !== first + i * step);
  if (run < 0) return `${first} + ${u} * ${step}`;
  const outer = (places[run] as number) - first;
  if (places.every((p, i) => p === first + Math.floor(i / run) * outer + (i % run) * step))
    return `${first} + ${u} / ${run} * ${outer} + ${u} % ${run} * ${step}`;
  return `array<i32, ${places.length}>(${places.join(", ")})[min(${u}, ${places.length - 1})]`;
}

export class KernelPrinter {
  readonly #name: string;
  readonly #kernel: Kernel;
  readonly #names: ReadonlyMap<Buffer, string>;
  readonly #vec: ReadonlySet<Buffer>;
  /** Statements at the head of the function that the body turned out to need. */
  readonly #head: string[] = [];
  readonly #memory: string[] = [];
  #sums = 0;

  constructor(name: string, kernel: Kernel, names: ReadonlyMap<Buffer, string>, vec: ReadonlySet<Buffer>) {
    this.#name = name;
    this.#kernel = kernel;
    this.#names = names;
    this.#vec = vec;
  }

  print(): PrintedKernel {
    const { label, lanes, block } = this.#kernel;
    const body = this.#block(block, "  ", false);
    const lines = [
      ...(lanes.group ? [] : [`if (lane >= ${lanes.count}u) { return; }`]),
      ...lanes.header,
      ...this.#head,
    ];
    const parameters = lanes.group ? "box: u32, li: u32" : "lane: u32";
    const wgsl = `// ${label}\nfn ${this.#name}(${parameters}) {\n${lines.map((l) => `  ${l}\n`).join("")}${body}}\n`;
    return { wgsl, memory: this.#memory };
  }

  /** `sums` are the names of what is known of indices. */
  #block(block: Block, indent: string, looped: boolean, sums: ReadonlyMap<string, string> = new Map()): string {
    const boxes = looped ? boxLoads(block, this.#kernel.lanes, this.#unitOf) : [];
    const inBox = new Map(
      boxes.flatMap((b) => b.units.map((u, i) => [u.key, `${b.name}[${i * b.copies}u + at_${b.name}]`])),
    );
    const units = new Map<string, string>();
    const stored = new Map<string, Store[]>();
    const named = new Map(sums);
    let out = "";
    const say = (line: string) => {
      out += `${indent}${line}\n`;
    };
    /** An index; what it is but for its constant gets a name, since it is often that of others too, and no compiler may see it. */
    const place = (index: Index, nameOf: Load["nameOf"]): string => {
      const variable = index.add(-index.constant).text(nameOf);
      if (index.terms.length === 0 || /^\w+$/.test(variable)) return index.text(nameOf);
      let name = named.get(variable);
      if (name === undefined) {
        named.set(variable, (name = `at${this.#sums++}`));
        say(`let ${name} = ${variable};`);
      }
      return Index.atom(name, 0, 1)
        .add(index.constant)
        .text((atom) => atom.name);
    };
    const unit = (s: Load): string => {
      const { key, index } = this.#unitOf(s);
      const known = units.get(key);
      if (known !== undefined) return known;
      const value = inBox.get(key) ?? `${this.#names.get(s.buffer)}[${place(index, s.nameOf)}]`;
      const name = this.#vec.has(s.buffer) ? `${s.name}q` : s.name;
      units.set(key, name);
      say(`let ${name} = ${value};`);
      return name;
    };
    for (const b of boxes) this.#fill(b).forEach(say);
    if (boxes.length > 0) say("workgroupBarrier();");
    for (const s of block) {
      if (typeof s === "string") say(s);
      else if ("loop" in s) out += loopText(s, this.#block(s.body, `${indent}  `, true, named), indent);
      else if (s.kind === "store") this.#store(s, stored, say, place);
      else {
        const name = unit(s);
        if (name !== s.name)
          say(`let ${s.name} = ${name}${this.#vec.has(s.buffer) ? `.${"xyzw"[component(s.index)]}` : ""};`);
      }
    }
    if (boxes.length > 0) say("workgroupBarrier();");
    return out;
  }

  readonly #unitOf = (load: Load): Unit => {
    const vec = this.#vec.has(load.buffer);
    const buffer = this.#names.get(load.buffer);
    return vec
      ? { key: `${buffer}[${quadKey(load.index)}]`, load, index: load.index.sub(component(load.index)).div(4) }
      : { key: `${buffer}[${load.index.key}]`, load, index: load.index };
  };

  /** Statements that fill an array of workgroup memory, [units, copies]; what lanes load is worked out at the head of the function. */
  #fill({ name, units, dims, copies }: BoxLoad): string[] {
    const group = this.#kernel.lanes.group as readonly number[];
    const [{ index, load }] = units as [Unit];
    const size = numel(group);
    const total = units.length * copies;
    const type = this.#vec.has(load.buffer) ? `vec4<${load.buffer.type}>` : load.buffer.type;
    this.#memory.push(`var<workgroup> ${name}: array<${type}, ${total}>;`);
    const own = dims.map((d, k) => `u32(i${d}) * ${numel(dims.slice(k + 1).map((e) => group[e] as number))}u`);
    this.#head.push(`let at_${name} = ${own.join(" + ") || "0u"};`);
    const [lane, loop] = [index.terms.filter((t) => dimension(t) >= 0), index.terms.filter((t) => dimension(t) < 0)];
    const counts = group.map((n, d) => (dims.includes(d) ? n : 1));
    const moved = loop.map(({ atom, coef }) => ` + ${atom.name} * ${coef}`).join("");
    return Array.from({ length: Math.ceil(total / size) }, (_, k) => {
      const [flat, copy, place] = [`f${k}_${name}`, `c${k}_${name}`, `p${k}_${name}`];
      // the copy's coordinates in the box stand for the lane's own
      const terms = lane.map((t) => {
        const d = dimension(t);
        return ` + (o${d}${dims.includes(d) ? ` - i${d} + ${copy}_${d}` : ""}) * ${t.coef}`;
      });
      this.#head.push(
        `let ${flat} = li + ${k * size}u;`,
        ...(copies > 1 ? [`let ${copy} = ${flat} % ${copies}u;`] : []),
        ...decode(copy, `${copy}_`, counts),
        `let ${place} = ${placeOf(units, `i32(${flat} / ${copies}u)`)}${terms.join("")};`,
      );
      const fill = `${name}[${flat}] = ${this.#names.get(load.buffer)}[${place}${moved}];`;
      return (k + 1) * size <= total ? fill : `if (${flat} < ${total}u) { ${fill} }`;
    });
  }

  /** A vec4 is stored with its last component. */
  #store(
    s: Store,
    stored: Map<string, Store[]>,
    say: (line: string) => void,
    place: (index: Index, nameOf: Store["nameOf"]) => string,
  ): void {
    const buffer = this.#names.get(s.buffer);
    const guarded = (statement: string) => say(s.guard === "true" ? statement : `if (${s.guard}) { ${statement} }`);
    if (!this.#vec.has(s.buffer)) {
      guarded(`${buffer}[${place(s.index, s.nameOf)}] = ${s.value};`);
      return;
    }
    const key = `${buffer}[${quadKey(s.index)}]`;
    const quad = stored.get(key) ?? [];
    stored.set(key, quad);
    quad[component(s.index)] = s;
    if (quad.filter(Boolean).length < 4) return;
    guarded(
      `${buffer}[${place(s.index.div(4), s.nameOf)}] = vec4<${s.buffer.type}>(${quad.map((q) => q.value).join(", ")});`,
    );
  }
}
