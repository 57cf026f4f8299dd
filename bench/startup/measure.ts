// What the start-up pages share: the CNN's data and initial weights, and the marks. Nothing of any library.
import { spread, time, type Work } from "../measure.ts";
import { type Counts, countCalls } from "../peers/counters.ts";

export interface StartUp {
  /** Milliseconds since the navigation began: the script runs, the net is ready, its first step is done, steps are as fast as they get. */
  readonly script: number;
  readonly ready: number;
  readonly firstStep: number;
  readonly steady: number;
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
  let work: Work = async () => 0;
  let ready = 0;
  const counts = await countCalls(async () => {
    work = (await make()).work;
    ready = performance.now();
    await work(1);
  });
  const firstStep = performance.now();
  const windows: { readonly begin: number; readonly milliseconds: number }[] = [];
  while (performance.now() < firstStep + watched || windows.length < 4) {
    const begin = performance.now();
    windows.push({ begin, milliseconds: (await time(work, stepsPerWindow)).milliseconds });
  }
  const all = windows.map((w) => w.milliseconds);
  const stepMilliseconds = spread(all.slice(all.length >> 1)).median;
  const steady = windows.find((w) => w.milliseconds <= margin * stepMilliseconds) ?? windows.at(-1)!;
  const scripts = performance
    .getEntriesByType("resource")
    .map(({ name }) => new URL(name).pathname)
    .filter((path) => path.endsWith(".js"));
  return { script, ready, firstStep, steady: steady.begin, stepMilliseconds, counts, scripts };
}

/** MNIST's 10 000 test images and their labels, as they lie in the files. */
export async function readImages(): Promise<{ pixels: Uint8Array<ArrayBuffer>; labels: Uint8Array<ArrayBuffer> }> {
  const read = async (name: string, header: number) =>
    new Uint8Array(await (await fetch(`/data/mnist/${name}`)).arrayBuffer(), header);
  const [pixels, labels] = await Promise.all([read("t10k-images-idx3-ubyte", 16), read("t10k-labels-idx1-ubyte", 8)]);
  return { pixels, labels };
}
