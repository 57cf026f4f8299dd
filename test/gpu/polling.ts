// Imported for what it does: Dawn asks in every turn of Node's event loop (setImmediate) whether something is done, which takes a core that a
// software adapter computes on, and two beside each other hold each other up. Once a millisecond is as good.
const { setTimeout } = globalThis;
const everyMillisecond = (ask: (...args: unknown[]) => void, ...args: unknown[]) => setTimeout(ask, 1, ...args);
Object.assign(globalThis, { setImmediate: everyMillisecond });

export {};
