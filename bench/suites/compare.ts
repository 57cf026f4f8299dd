// `bench compare`: wgrad and its peers at one subject in one page, in turn: A B A B …, the ratio pair by pair. Results are checked before
// anything is timed: losses of the first steps on the same batches from the same weights, and every element of a kernel's output.
import type { PageModule } from "../../src/cli/page.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import { requestDevice } from "../host.ts";
import { kernelOf } from "../kernels.ts";
import { calibrate, type Sampled, type Spread, sampled, spread, type Timed, time, type Work } from "../measure.ts";
import { comparisonName, type Peer, type PeerName } from "../peers/contestant.ts";
import { type Counts, countCalls } from "../peers/counters.ts";
import { jax } from "../peers/jax.ts";
import { tfjs } from "../peers/tfjs.ts";
import "../peers/tfjsBackends.ts";
import { kernelsPerSubmit, wgradKernel, wgradTraining } from "../peers/wgrad.ts";
import type { About, Message, Result, Row } from "../results.ts";
import { short } from "../table.ts";
import { batchSize, type TaskName, taskNames } from "../tasks.ts";
import { examples } from "../training.ts";
import { differenceOf } from "../values.ts";

export interface CompareArgs {
  /** A task or a kernel. */
  readonly subject: string;
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly sampleMilliseconds: number;
  /** wgrad takes the schedules that its autotuner finds, not the fixed ones. */
  readonly tune: boolean;
}

export interface Side {
  readonly time: Sampled;
  /** Of one step or run; absent off the GPU. */
  readonly counts?: Counts;
}

export interface Comparison extends Row {
  readonly subject: string;
  readonly peer: PeerName;
  /** Images or floating-point operations in a step or run. */
  readonly amount: number;
  readonly unit: "images/s" | "GFLOP/s";
  readonly wgrad?: Side;
  readonly other?: Side;
  /** How many times faster wgrad was, pair by pair. */
  readonly ratio?: Spread;
  /** The greatest difference of results: of losses, relative; of kernels, relative to the greatest value. */
  readonly difference?: number;
  /** Why there is nothing to compare. */
  readonly failure?: string;
}

export interface CompareAbout extends About {
  readonly userAgent: string;
}

export type CompareResult = Result<CompareAbout, Comparison>;

interface Pair {
  readonly work: Work;
  /** Steps or runs of a submit. */
  readonly unit: number;
  readonly peerWork: Work;
  readonly difference: number;
  readonly dispose: () => void;
}

type Subject = { readonly against: (peer: Peer) => Promise<Pair>; readonly dispose: () => void } & Pick<
  Comparison,
  "amount" | "unit"
>;

/** Results may differ by so much. */
const tolerance = 2e-3;
/** Steps whose losses are compared: the first is the forward pass, the later ones gradients and Adam. */
const checkedSteps = 3;
/** Seconds that a slow peer gets at one subject. */
const patience = 30;
/** Milliseconds before each turn, in which what the other left behind (garbage, buffers to free) is cleared at no one's expense. */
const rest = 500;

const makePeer: Record<PeerName, () => Peer | Promise<Peer>> = {
  "tfjs-webgpu": () => tfjs("webgpu"),
  "tfjs-wasm": () => tfjs("wasm"),
  "tfjs-cpu": () => tfjs("cpu"),
  "jax-webgpu": jax,
};

const main: PageModule<CompareArgs, Message<CompareAbout, Comparison>, void> = async (args, send) => {
  const device = await requestDevice();
  send({ about: { device: device.name, userAgent: navigator.userAgent } });
  send(`${args.subject}: wgrad`);
  const isTask = (taskNames as readonly string[]).includes(args.subject);
  const subject = await (isTask ? trainingSubject : kernelSubject)(device, args.subject, args.tune);
  for (const peer of args.peers) {
    const name = comparisonName(args.subject, peer, args.tune);
    const about = { name, subject: args.subject, peer, amount: subject.amount, unit: subject.unit };
    send(name);
    try {
      const pair = await subject.against(await makePeer[peer]());
      const result = await measure(pair, args, peer, send);
      pair.dispose();
      send({ row: { ...about, ...result } });
      send(`${name}: ${result.failure ?? `${result.ratio?.median.toFixed(2)} times faster`}`);
    } catch (error) {
      const failure = (error as Error).message.split("\n")[0] as string;
      send({ row: { ...about, failure } });
      send(`${name}: ${failure}`);
    }
  }
  subject.dispose();
};
export default main;

async function trainingSubject(device: GpuDevice, task: string, tune: boolean): Promise<Subject> {
  const own = await wgradTraining(device, task as TaskName, await examples(10_000), tune);
  const want = await own.losses(checkedSteps);
  return {
    ...{ amount: batchSize, unit: "images/s" },
    async against(peer) {
      const other = await peer.training(own.start);
      const got = await other.losses(checkedSteps);
      const difference = Math.max(...got.map((loss, i) => Math.abs(loss / (want[i] as number) - 1)));
      await own.work(own.stepsPerSubmit()); // shows how many steps go into a submit
      const unit = own.stepsPerSubmit();
      return { work: own.work, unit, peerWork: other.work, difference, dispose: () => other.dispose() };
    },
    dispose: () => own.dispose(),
  };
}

async function kernelSubject(device: GpuDevice, name: string, tune: boolean): Promise<Subject> {
  const kernel = kernelOf(name);
  const own = await wgradKernel(device, kernel, tune);
  const want = await own.result();
  return {
    ...{ amount: 2e-9 * kernel.multiplyAdds, unit: "GFLOP/s" },
    async against(peer) {
      const other = await peer.kernel(kernel);
      const difference = differenceOf(await other.result(), want);
      return {
        work: own.work,
        unit: kernelsPerSubmit,
        peerWork: other.work,
        difference,
        dispose: () => other.dispose(),
      };
    },
    dispose: () => own.dispose(),
  };
}

async function timeRested(work: Work, count: number): Promise<Timed> {
  await new Promise((resolve) => setTimeout(resolve, rest));
  return time(work, count);
}

async function measure(
  pair: Pair,
  args: CompareArgs,
  peer: PeerName,
  send: (text: string) => void,
): Promise<Pick<Comparison, "difference" | "wgrad" | "other" | "ratio" | "failure">> {
  const { work, unit, peerWork, difference } = pair;
  if (!(difference <= tolerance))
    return { difference, failure: `results differ by ${difference.toPrecision(2)} (vs ${tolerance})` };
  const count = await calibrate(work, args.sampleMilliseconds, unit);
  const peerCount = await calibrate(peerWork, args.sampleMilliseconds);
  const [own, others]: [Timed[], Timed[]] = [[], []];
  const end = performance.now() + 1000 * patience;
  for (let round = 0; round < args.rounds && (round === 0 || performance.now() < end); round++) {
    own.push(await timeRested(work, count));
    others.push(await timeRested(peerWork, peerCount));
    const [mine, theirs] = [own[round], others[round]] as [Timed, Timed];
    send(`  pair ${round + 1} of ${args.rounds}: ${short(mine.milliseconds)} and ${short(theirs.milliseconds)} ms`);
  }
  const onGpu = peer.endsWith("webgpu");
  return {
    difference,
    wgrad: { time: sampled(own), counts: await countsOf(work, unit) },
    other: { time: sampled(others), ...(onGpu ? { counts: await countsOf(peerWork, 4) } : {}) },
    ratio: spread(own.map((t, i) => (others[i] as Timed).milliseconds / t.milliseconds)),
  };
}

/** What one step asks of WebGPU, the mean of several. */
async function countsOf(work: Work, steps: number): Promise<Counts> {
  const counts = await countCalls(() => work(steps));
  return Object.fromEntries(Object.entries(counts).map(([k, n]) => [k, n / steps])) as unknown as Counts;
}
