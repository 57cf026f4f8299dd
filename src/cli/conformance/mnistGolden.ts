// mnist-golden: a net trained on MNIST from given weights by plain SGD (format "mnist-golden/1"). Judged by the gradients of step 0, the
// loss of every step and how many test images come out right.
import { UnsupportedError } from "../../shape/errors.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { type Case, CaseError, decodeAll, type Environment, isObject, type Json, listOf, Mismatch } from "./case.ts";
import { countRight, type Images, type Net, nets, type Task, trainNet } from "./mnistNets.ts";

const gradientTolerance = 1e-5;

/** A case per net of the file. */
export function mnistGolden(file: Json): Case[] {
  if (!isObject(file.nets)) throw new CaseError("nets must be an object");
  return Object.entries(file.nets).map(([name, json]) => ({
    name: `golden/${name}`,
    op: "golden",
    run: (environment) => {
      const net = Object.hasOwn(nets, name) ? nets[name] : undefined;
      if (!net) return Promise.reject(new UnsupportedError(`net ${name}`));
      if (!isObject(json)) return Promise.reject(new CaseError("a net must be an object"));
      return runNet(net, json, file, environment);
    },
  }));
}

async function runNet(net: Net, json: Json, file: Json, environment: Environment): Promise<number> {
  const task = taskOf(file);
  const [initial, firstGradients] = [decodeAll(json, "initial"), decodeAll(json, "grad_step0")];
  const wantedLosses = listOf(json, "losses");
  if (wantedLosses.length !== task.steps)
    throw new CaseError(`there are ${wantedLosses.length} losses for ${task.steps} steps`);
  const places = firstGradients.map(({ name }) => initial.findIndex((w) => w.name === name));
  if (places.length === 0 || places.includes(-1)) throw new CaseError("grad_step0 must hold gradients of the weights");

  const sums = isObject(file.data_sha256) ? file.data_sha256 : {};
  const images = async (set: string, count?: number): Promise<Images> => {
    const pixels = await readChecked(environment, sums, `${set}-images-idx3-ubyte`);
    const labels = await readChecked(environment, sums, `${set}-labels-idx1-ubyte`);
    const n = count ?? labels.length - 8;
    return {
      images: { dtype: "u8", shape: [n, 28, 28], data: pixels.slice(16, 16 + n * 784) },
      labels: { dtype: "u8", shape: [n], data: labels.slice(8, 8 + n) },
    };
  };
  const weights = initial.map(({ array }) => array);
  const trained = await trainNet(environment.device, net, weights, await images("train", task.examples), task);
  const right = await countRight(environment.device, net, trained.weights, await images("t10k"));
  return Math.max(
    ...firstGradients.map(({ name, array }, i) =>
      judged(`grad_step0 ${name}`, relativeError(trained.gradients[places[i]!]!, array), gradientTolerance),
    ),
    ...wantedLosses.map((want, step) => lossError(net, step, trained.losses.data[step]!, Number(want))),
    correctError(net, right, json.test_correct),
  );
}

/** The task is told in words. */
function taskOf({ task }: Json): Task {
  if (!isObject(task)) throw new CaseError("task must be an object");
  const { batch, steps, optimizer } = task;
  const examples = /first ([\d,]+)/.exec(String(task.train_images))?.[1]?.replaceAll(",", "");
  const rate = /plain SGD, lr ([\d.]+)/.exec(String(optimizer))?.[1];
  if (typeof batch !== "number" || typeof steps !== "number" || !examples || !rate)
    throw new CaseError(`the task cannot be read: ${JSON.stringify(task)}`);
  return { examples: Number(examples), batch, steps, rate: Number(rate) };
}

/** An MNIST file, if it is the one that the golden numbers come from. */
async function readChecked(environment: Environment, sums: Json, name: string): Promise<Uint8Array> {
  const bytes = await environment.readMnist(name);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  const sum = [...digest].map((b) => b.toString(16).padStart(2, "0")).join("");
  if (sums[name] !== undefined && sums[name] !== sum)
    throw new UnsupportedError(`other data: ${name} has SHA-256 ${sum}`);
  return bytes;
}

function relativeError(got: NdArray, want: NdArray): number {
  let [difference, norm] = [0, 0];
  want.data.forEach((w: number, i: number) => {
    difference += (got.data[i]! - w) ** 2;
    norm += w * w;
  });
  return Math.sqrt(difference / norm);
}

function lossError(net: Net, step: number, got: number, want: number): number {
  const error = Math.abs(got - want) / Math.abs(want);
  return judged(`loss of step ${step} (got ${got}, want ${want})`, error, net.lossTolerance(step));
}

/** A number, or an object of them: that of float64 counts. */
function correctError(net: Net, got: number, given: unknown): number {
  const want = Number(isObject(given) ? given.float64 : given);
  return judged(`test correct (got ${got}, want ${want})`, Math.abs(got - want), net.correctTolerance);
}

/** The error as a multiple of what is tolerated. Throws Mismatch if it is over 1. */
function judged(what: string, error: number, tolerance: number): number {
  const size = error / tolerance;
  if (!(size <= 1)) throw new Mismatch(`${what} is off by ${error.toExponential(2)}`, size);
  return size;
}
