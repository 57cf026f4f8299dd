// Memory: puts temporaries whose lives do not overlap into shared slots. A life runs from the dispatch that writes a buffer to the last
// that reads it, both included, so that no dispatch reads and writes one slot. Best fit, largest first.
import type { Buffer, Dispatch, ElementType, Plan } from "./data.ts";
import type { Places } from "./places.ts";

export interface Life {
  readonly first: number;
  readonly last: number;
  readonly elements: number;
  readonly type: string;
}

export interface Slot {
  readonly type: string;
  elements: number;
}

/** The slot of each life. */
export function assignSlots(lives: readonly Life[]): { slots: Slot[]; slotOf: number[] } {
  const slots: (Slot & { lives: Life[] })[] = [];
  const slotOf = new Array<number>(lives.length);
  const order = lives.map((_, i) => i).sort((a, b) => (lives[b] as Life).elements - (lives[a] as Life).elements);
  for (const i of order) {
    const life = lives[i] as Life;
    const free = slots.filter(
      (s) => s.type === life.type && s.lives.every((l) => l.last < life.first || life.last < l.first),
    );
    // larger lives came first, so every free slot is large enough; take the smallest
    const slot = free.sort((a, b) => a.elements - b.elements)[0] ?? {
      type: life.type,
      elements: life.elements,
      lives: [],
    };
    if (slot.lives.length === 0) slots.push(slot);
    slot.lives.push(life);
    slotOf[i] = slots.indexOf(slot);
  }
  return { slots: slots.map(({ type, elements }) => ({ type, elements })), slotOf };
}

/** Puts the temporaries of a plan into slots. */
export function placeTemporaries(
  dispatches: readonly Dispatch[],
  places: Places,
): Pick<Plan, "buffers" | "slots" | "slotOf"> {
  const lives = new Map<Buffer, { first: number; last: number; elements: number; type: ElementType }>();
  const buffers = new Set<Buffer>([...places.inputs, ...places.carry, ...places.outputs].map((v) => v.place.buffer));
  dispatches.forEach(({ bindings }, i) => {
    for (const { buffer } of bindings) {
      buffers.add(buffer);
      if (buffer.kind !== "temporary") continue;
      const life = lives.get(buffer);
      if (life) life.last = i;
      else lives.set(buffer, { first: i, last: i, elements: buffer.elements, type: buffer.type });
    }
  });
  const list = [...lives.keys()];
  const { slots, slotOf } = assignSlots([...lives.values()]);
  return {
    buffers: [...buffers],
    slots: slots as { type: ElementType; elements: number }[],
    slotOf: new Map(list.map((b, i) => [b, slotOf[i] as number])),
  };
}
