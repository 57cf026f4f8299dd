// `bench compare`: wgrad and its peers in one page, in turn: A B A B …, the ratio pair by pair.
import type { PageModule } from "../../src/cli/page.ts";
import { requestDevice } from "../host.ts";
import { kernelOf } from "../kernels.ts";
import { calibrate, type Sampled, type Spread, sampled, spread, type Timed, time, type Work } from "../measure.ts";
import type { Peer, PeerName } from "../peers/contestant.ts";
import { type Counts, countCalls } from "../peers/counters.ts";
import { jax } from "../peers/jax.ts";
import { tfjs } from "../peers/tfjs.ts";
import "../peers/tfjsBackends.ts";
import { wgradKernel, wgradTraining } from "../peers/wgrad.ts";
import { batchSize, type TaskName, taskNames } from "../tasks.ts";
import { examples } from "../training.ts";

export interface CompareArgs {
  /** Tasks and kernels. */
  readonly subjects: readonly string[];
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly sampleMilliseconds: number;
}

export interface Side {
  readonly time: Sampled;
  /** Of one step or run; absent off the GPU. */
  readonly counts?: Counts;
}

export interface Comparison {
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

export interface CompareResult {
  readonly device: string;
  readonly userAgent: string;
  readonly comparisons: readonly Comparison[];
}

interface Pair {
  readonly work: Work;
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

const main: PageModule<CompareArgs, string, CompareResult> = async (args, send) => {
  const device = await requestDevice();
  const data = await examples(10_000);
  const makePeer: Record<PeerName, () => Peer | Promise<Peer>> = {
    "tfjs-webgpu": () => tfjs("webgpu"),
    "tfjs-wasm": () => tfjs("wasm"),
    "tfjs-cpu": () => tfjs("cpu"),
    "jax-webgpu": jax,
  };

  const trainingSubject = async (task: TaskName): Promise<Subject> => {
    const own = await wgradTraining(device, task, data);
    const want = await own.losses(checkedSteps);
    return {
      ...{ amount: batchSize, unit: "images/s" },
      async against(peer) {
        const other = await peer.training(own.start);
        const got = await other.losses(checkedSteps);
        const difference = Math.max(...got.map((loss, i) => Math.abs(loss / (want[i] as number) - 1)));
        return { work: own.work, peerWork: other.work, difference, dispose: () => other.dispose() };
      },
      dispose: () => own.dispose(),
    };
  };

  const kernelSubject = async (name: string): Promise<Subject> => {
    const kernel = kernelOf(name);
    const own = await wgradKernel(device, kernel);
    const want = await own.result();
    const scale = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    return {
      ...{ amount: 2e-9 * kernel.multiplyAdds, unit: "GFLOP/s" },
      async against(peer) {
        const other = await peer.kernel(kernel);
        const got = await other.result();
        const difference = want.reduce((m, v, i) => Math.max(m, Math.abs(v - (got[i] as number))), 0) / scale;
        return { work: own.work, peerWork: other.work, difference, dispose: () => other.dispose() };
      },
      dispose: () => own.dispose(),
    };
  };

  const peers = new Map<PeerName, Peer>();
  const comparisons: Comparison[] = [];
  for (const name of args.subjects) {
    send(`${name}: wgrad`);
    const isTask = (taskNames as readonly string[]).includes(name);
    const subject = await (isTask ? trainingSubject(name as TaskName) : kernelSubject(name));
    for (const peer of args.peers) {
      send(`${name}: ${peer}`);
      const about = { subject: name, peer, amount: subject.amount, unit: subject.unit };
      try {
        if (!peers.has(peer)) peers.set(peer, await makePeer[peer]());
        const pair = await subject.against(peers.get(peer) as Peer);
        const result = await measure(pair, args, peer);
        pair.dispose();
        comparisons.push({ ...about, ...result });
        send(`${name}: ${peer}: ${result.failure ?? `${result.ratio?.median.toFixed(2)}×`}`);
      } catch (error) {
        const failure = (error as Error).message.split("\n")[0] as string;
        comparisons.push({ ...about, failure });
        send(`${name}: ${peer}: ${failure}`);
      }
    }
    subject.dispose();
  }
  return { device: device.name, userAgent: navigator.userAgent, comparisons };
};
export default main;

async function measure(pair: Pair, args: CompareArgs, peer: PeerName): Promise<Partial<Comparison>> {
  const { work, peerWork, difference } = pair;
  if (!(difference <= tolerance))
    return { difference, failure: `results differ by ${difference.toPrecision(2)} (vs ${tolerance})` };
  const count = await calibrate(work, args.sampleMilliseconds, 16);
  const peerCount = await calibrate(peerWork, args.sampleMilliseconds);
  const [own, others]: [Timed[], Timed[]] = [[], []];
  const end = performance.now() + 1000 * patience;
  for (let round = 0; round < args.rounds && (round === 0 || performance.now() < end); round++) {
    own.push(await time(work, count));
    others.push(await time(peerWork, peerCount));
  }
  const onGpu = peer.endsWith("webgpu");
  return {
    difference,
    wgrad: { time: sampled(own), counts: await countsOf(work, 16) },
    other: { time: sampled(others), ...(onGpu ? { counts: await countsOf(peerWork, 4) } : {}) },
    ratio: spread(own.map((t, i) => (others[i] as Timed).milliseconds / t.milliseconds)),
  };
}

/** What one step asks of WebGPU, the mean of several. */
async function countsOf(work: Work, steps: number): Promise<Counts> {
  const counts = await countCalls(() => work(steps));
  return Object.fromEntries(Object.entries(counts).map(([k, n]) => [k, n / steps])) as unknown as Counts;
}
