// Memory: puts temporaries whose lives do not overlap into shared slots. A life runs from the dispatch that writes a buffer to the last
// that reads it, both included, so that no dispatch reads and writes one slot. Best fit, largest first.

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
