// What the start-up pages share: the CNN's data and initial weights, and the marks. Nothing of any library.
import { spread, time, type Work } from "../measure.ts";
import { type Counts, countCalls } from "../peers/counters.ts";

/** Milliseconds since the navigation began, in this order. */
export interface Marks {
  /** The page's script runs. */
  readonly script: number;
  /** There is a GPUDevice. */
  readonly device: number;
  /** The first pipeline is asked for: what a library does before (data, tracing, planning) is done. */
  readonly planned: number;
  /** The last pipeline of the first step is there (of synchronous ones: asked for). */
  readonly compiled: number;
  readonly firstStep: number;
  /** Steps are as fast as they get. */
  readonly steady: number;
}

export interface StartUp extends Marks {
  readonly stepMilliseconds: number;
  /** Until the first step is done. */
  readonly counts: Counts;
  /** Scripts that the page loaded. */
  readonly scripts: readonly string[];
}

/** Steps are watched for so long. */
const watched = 3000;
/** Steady: from then on a window takes at most so many times the median of the last ones. */
const margin = 1.25;

export async function startUp(make: () => Promise<{ readonly work: Work }>, stepsPerWindow: number): Promise<StartUp> {
  const script = performance.now();
  const calls = watchCalls();
  let work: Work = async () => 0;
  const counts = await countCalls(async () => {
    work = (await make()).work;
    await work(1);
  });
  const firstStep = performance.now();
  const { device, planned, compiled } = calls();
  const windows: { readonly begin: number; readonly milliseconds: number }[] = [];
  while (performance.now() < firstStep + watched || windows.length < 4) {
    const begin = performance.now();
    windows.push({ begin, milliseconds: (await time(work, stepsPerWindow)).milliseconds });
  }
  const all = windows.map((w) => w.milliseconds);
  const stepMilliseconds = spread(all.slice(all.length >> 1)).median;
  const steady = (windows.find((w) => w.milliseconds <= margin * stepMilliseconds) ?? windows.at(-1)!).begin;
  const scripts = performance
    .getEntriesByType("resource")
    .map(({ name }) => new URL(name).pathname)
    .filter((path) => path.endsWith(".js"));
  return { script, device, planned, compiled, firstStep, steady, stepMilliseconds, counts, scripts };
}

/** From now on notes when the device is there, and when the first and the last pipeline are asked for or ready. */
function watchCalls(): () => Pick<Marks, "device" | "planned" | "compiled"> {
  let [device, planned, compiled] = [0, Number.POSITIVE_INFINITY, 0];
  const asked = () => {
    planned = Math.min(planned, performance.now());
  };
  const ready = () => {
    compiled = performance.now();
  };
  notify(GPUAdapter.prototype, "requestDevice", undefined, () => {
    device = performance.now();
  });
  notify(GPUDevice.prototype, "createComputePipeline", asked, ready);
  notify(GPUDevice.prototype, "createComputePipelineAsync", asked, ready);
  return () => ({ device, planned, compiled });
}

type Method = (...args: unknown[]) => unknown;

/** Calls `before` ahead of a method, and `after` when what it returns is there. */
function notify<T extends object>(prototype: T, name: keyof T, before: (() => void) | undefined, after: () => void) {
  const original = prototype[name] as Method;
  const watching = function (this: unknown, ...args: unknown[]) {
    before?.();
    const result = original.apply(this, args);
    if (result instanceof Promise) result.then(after, after);
    else after();
    return result;
  };
  prototype[name] = watching as T[typeof name];
}

/** MNIST's 10 000 test images and their labels, as they lie in the files. */
export async function readImages(): Promise<{ pixels: Uint8Array<ArrayBuffer>; labels: Uint8Array<ArrayBuffer> }> {
  const read = async (name: string, header: number) =>
    new Uint8Array(await (await fetch(`/data/mnist/${name}`)).arrayBuffer(), header);
  const [pixels, labels] = await Promise.all([read("t10k-images-idx3-ubyte", 16), read("t10k-labels-idx1-ubyte", 8)]);
  return { pixels, labels };
}
