// Places: where each ref is read from and written to. Inputs, carried values and outputs lie where the caller has them; all else in
// temporaries.
import type { MapKernel } from "../graph/op.ts";
import { DTypeError } from "../shape/errors.ts";
import { numel, printType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import type { Trace } from "../trace.ts";
import { type Buffer, elementType, layout, type Place, storedElements, type Value } from "./data.ts";
import type { Ref, StepSpec, Steps } from "./step.ts";

const copy: MapKernel = { kind: "map", cost: 1, element: (at, lower) => [lower.read(0, at)] };
const copyStep = (ref: Ref): StepSpec => ({
  ...{ name: "copy", kernel: copy, inputs: [ref], params: {}, outputs: [ref.type] },
  reference: (values) => values,
});

export class Places {
  readonly inputs: Value[] = [];
  readonly carry: Value[] = [];
  readonly outputs: Value[] = [];
  /** Refs that must be written to places of the caller's, with those places. */
  readonly written = new Map<Ref, Place[]>();
  readonly #sources = new Map<Ref, Place>();
  readonly #temporary = new Map<Ref, Place>();
  /** Carried values that change. */
  readonly pairs: { input: Ref; output: Ref; place: Place }[] = [];

  constructor(trace: Trace, refOf: (t: Tensor) => Ref, steps: Steps) {
    const carried = new Map(trace.carry.map((c) => [c.path, c]));
    const { offsets, lengths } = layout(trace.carry.map((c) => c.input.type));
    const arenas = new Map(
      [...lengths].map(([type, elements]) => [
        type,
        { name: `carry.${type}`, kind: "carry", type, elements } as Buffer,
      ]),
    );
    trace.carry.forEach(({ path, input }, i) => {
      if (input.dtype === "u8")
        throw new DTypeError(
          `compile: carried ${path} is ${printType(input.type)}; a u8 value cannot change on the device, cast it to u32`,
        );
      const place = {
        buffer: arenas.get(elementType(input.dtype)) as Buffer,
        offset: offsets[i] as number,
        packed: false,
      };
      this.carry.push({ path, type: input.type, place, ref: refOf(input) });
      this.#sources.set(refOf(input), place);
    });
    for (const { path, value } of trace.inputs) {
      if (carried.has(path)) continue;
      const buffer: Buffer = {
        name: path,
        kind: "input",
        type: elementType(value.dtype),
        elements: storedElements(value.type),
      };
      const place = { buffer, offset: 0, packed: value.dtype === "u8" };
      this.inputs.push({ path, type: value.type, place, ref: refOf(value) });
      this.#sources.set(refOf(value), place);
    }
    for (const step of steps.list)
      if (step.kernel.kind === "source" && !this.#sources.has(steps.ref(step))) this.#addConstant(steps.ref(step));
    for (const { path, value } of trace.outputs) {
      const ref = this.#computed(refOf(value), steps);
      const place = {
        buffer: {
          name: path,
          kind: "output",
          type: elementType(ref.type.dtype),
          elements: numel(ref.type.shape),
        } as Buffer,
        offset: 0,
        packed: false,
      };
      this.outputs.push({ path, type: value.type, place, ref });
      this.writeTo(ref, place);
    }
    for (const { path, input, output } of trace.carry) {
      if (refOf(input) === refOf(output)) continue;
      const place = this.carry.find((v) => v.path === path)?.place as Place;
      // another carried value, or one carried twice, must be copied
      const taken = this.pairs.some((p) => p.output === refOf(output));
      const ref = taken ? this.copyOf(refOf(output), steps) : this.#computed(refOf(output), steps);
      this.pairs.push({ input: refOf(input), output: ref, place });
      this.written.set(ref, this.written.get(ref) ?? []);
    }
  }

  #addConstant(ref: Ref): void {
    const { data } = ref.step.ctx.params as { data: readonly number[] };
    const buffer: Buffer = {
      name: `constant${ref.step.id}`,
      kind: "constant",
      type: elementType(ref.type.dtype),
      elements: numel(ref.type.shape),
      data,
    };
    this.#sources.set(ref, { buffer, offset: 0, packed: false });
  }

  /** A source that is returned as it is must be copied to be written; so must a view, which its other readers look through. */
  #computed(ref: Ref, steps: Steps): Ref {
    const { kernel } = ref.step;
    const moved = kernel.kind === "source" || (kernel.kind === "map" && kernel.cost === 0);
    // a custom kernel writes to one place
    const written = kernel.kind === "custom" && this.written.has(ref);
    return moved || written ? this.copyOf(ref, steps) : ref;
  }

  copyOf(ref: Ref, steps: Steps): Ref {
    return steps.ref(steps.add(copyStep(ref)));
  }

  /** Adds a place that the ref must be written to. */
  writeTo(ref: Ref, place: Place): void {
    const places = this.written.get(ref) ?? [];
    places.push(place);
    this.written.set(ref, places);
  }

  /** What tells apart the buffers that refs will lie in, before that is settled. */
  bufferOf(ref: Ref): unknown {
    const carried = this.pairs.find((p) => p.output === ref);
    return carried?.place.buffer ?? this.#sources.get(ref)?.buffer ?? ref;
  }

  /** Where an input, carried value or constant lies. */
  source(ref: Ref): Place | undefined {
    return this.#sources.get(ref);
  }

  /** Where a stored ref is written: first, where it is read from. */
  write(ref: Ref): readonly Place[] {
    const places = this.written.get(ref);
    if (places?.length) return places;
    let place = this.#temporary.get(ref);
    if (!place) {
      const buffer: Buffer = {
        name: `${ref.step.name}${ref.step.id}`,
        kind: "temporary",
        type: elementType(ref.type.dtype),
        elements: numel(ref.type.shape),
      };
      this.#temporary.set(ref, (place = { buffer, offset: 0, packed: false }));
    }
    return [place];
  }
}
