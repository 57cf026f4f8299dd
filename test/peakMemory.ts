// What a call takes in memory at most while it runs, its result included: in the heap and in buffers.
import { GCProfiler, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Calls `f`. Memory is looked at after each collection of garbage meanwhile, and at the end, where there is garbage yet: what is told is never
 *  less than what was in use then. */
export function peakMemory<T>(f: () => T): { readonly bytes: number; readonly result: T } {
  for (let i = 0; i < 3; i++) collectGarbage(); // what was left before is not this one's; buffers are freed late
  const before = process.memoryUsage();
  const profiler = new GCProfiler();
  profiler.start();
  const result = f();
  const after = process.memoryUsage();
  const { statistics } = profiler.stop();
  const collected = statistics.map(({ afterGC: { heapStatistics: h } }) => h.usedHeapSize + h.externalMemory);
  const most = Math.max(after.heapUsed + after.external, ...collected);
  return { bytes: most - before.heapUsed - before.external, result };
}
