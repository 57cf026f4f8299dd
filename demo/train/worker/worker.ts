// The worker of the Train page: a TrainerHost with looks into the model. A look is taken between two reports of the run under way.
import { expose } from "comlink";
import { Device, DeviceLostError, type GpuDevice, type NdArray } from "wgrad";
import { TrainerHost, type TrainerInfo } from "wgrad/worker";
import { type Found, findDevice } from "../../common/findDevice.ts";
import type { Setup } from "../tasks.ts";
import { activations, type Pictures } from "./activations.ts";
import { Boundary, type Palette } from "./boundary.ts";
import { type Spread, spreads } from "./histograms.ts";
import { makeTask } from "./models.ts";
import { leavesOf } from "./programs.ts";
import { type Review, review, softmax } from "./review.ts";
import { Session } from "./session.ts";
import { type Sample, writing } from "./writing.ts";

export interface Start {
  readonly setup: Setup;
  /** The folder of the gzipped MNIST files. */
  readonly mnistFolder: string;
}

export interface Where {
  readonly kind: Device["kind"];
  readonly name: string;
  /** Why it is the CPU. */
  readonly reason?: string;
}

export interface About extends TrainerInfo {
  readonly kind: Device["kind"];
  readonly parameters: number;
  readonly dispatches: number;
  /** Examples to train on. */
  readonly examples: number;
  /** Of the adapter, those that decide what fits. */
  readonly limits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
}

const limitNames = [
  ...["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"],
  ...["maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup"],
] as const;

let found: Found | undefined;

/** The worker's device: one for all sessions, as long as it lives. */
async function deviceFor(cpu: boolean): Promise<Device> {
  await found?.device.synchronize().catch(() => {
    found = undefined; // it was lost while nobody trained on it
  });
  if (!found || (cpu && found.device.kind === "gpu")) found = await findDevice(cpu);
  return found.device;
}

class DemoHost extends TrainerHost<Start> {
  #boundary: Boundary | undefined;
  #looked: Session | undefined;
  #tellLost: (message: string) => void = () => {};

  constructor() {
    super(async ({ setup, mnistFolder }) => {
      const [device, made] = await Promise.all([deviceFor(setup.cpu), makeTask(setup, mnistFolder)]);
      this.#looked = await Session.create(device, setup, made, (error) => this.#replace(error));
      return this.#looked;
    });
  }

  /** Finds a device, and says which. */
  async device(cpu: boolean): Promise<Where> {
    const { kind, name } = await deviceFor(cpu);
    return { kind, name, ...(found?.reason ? { reason: found.reason } : {}) };
  }

  /** Calls back when the device is lost, before training resumes on another. */
  whenLost(f: (message: string) => void): void {
    this.#tellLost = f;
  }

  async #replace(lost: DeviceLostError): Promise<{ device: Device }> {
    this.#tellLost(lost.message);
    found = { device: await Device.request() };
    return found;
  }

  get #session(): Session {
    return this.hosted as Session;
  }

  about(): About {
    const { trainer, device } = this.#session;
    const { gpu } = device as Partial<GpuDevice>;
    const params = leavesOf(trainer.state.params as never) as [string, { type: { shape: readonly number[] } }][];
    const { plan } = trainer.program;
    return {
      ...{ adapter: device.name, software: device.software, kind: device.kind },
      ...{ batchSize: trainer.spec.batchSize, stepsPerEpoch: trainer.stepsPerEpoch, examples: trainer.spec.examples },
      parameters: params.reduce((sum, [, { type }]) => sum + type.shape.reduce((a, b) => a * b, 1), 0),
      dispatches: "dispatches" in plan ? plan.dispatches.length : 0,
      limits: Object.fromEntries(gpu ? limitNames.map((name) => [name, gpu.limits[name]]) : []),
      features: gpu ? [...gpu.features].sort() : [],
    };
  }

  stepsDone(): number {
    return this.#session.trainer.step;
  }

  /** A look between two reports of the run; once more where the device is lost meanwhile, which the trainer is made to see. */
  #look<T>(look: () => Promise<T>): Promise<T> {
    return this.alone(async () => {
      try {
        return await look();
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error;
        await this.#session.trainer.params();
        return look();
      }
    });
  }

  review(examples: number): Promise<Review> {
    return this.#look(() => review(this.#session, examples));
  }

  /** The probabilities of the ten digits for 28×28 pixels. */
  async recognise(pixels: Uint8Array): Promise<number[]> {
    const logits = await this.predict({ dtype: "u8", shape: [1, 28, 28, 1], data: pixels });
    return softmax(logits.data);
  }

  /** Image k of the test set, counted round. */
  example(k: number): Uint8Array {
    const { x } = this.#session.made.test as { x: NdArray };
    const size = 28 * 28;
    const at = (k % (x.shape[0] as number)) * size;
    return x.data.slice(at, at + size) as Uint8Array;
  }

  activations(pixels: Uint8Array): Promise<Pictures[]> {
    return this.#look(async () => (await this.#session.look(activations)).of(pixels));
  }

  spreads(): Promise<Spread[]> {
    return this.#look(async () => (await this.#session.look(spreads)).now());
  }

  sample(seed: number, temperature: number): Promise<Sample> {
    return this.#look(async () => (await this.#session.look(writing)).sample(seed, temperature));
  }

  /** The mean squared error of each net of the adding problem on sequences that it has not seen, after so many steps. */
  errors(): Promise<{ readonly step: number; readonly rnn: number; readonly lstm: number }> {
    return this.#look(async () => {
      const { trainer, made } = this.#session;
      const { step } = trainer;
      const { x, y } = made.test as { x: NdArray; y: NdArray };
      const { data } = await trainer.predict(x);
      const mean = (net: number) =>
        Array.from(y.data, (target, i) => (data[2 * i + net]! - target) ** 2).reduce((a, b) => a + b) / y.data.length;
      return { step, rnn: mean(0), lstm: mean(1) };
    });
  }

  /** Draws the decision boundary into this canvas, now and with every call of `redraw`. */
  showBoundary(canvas: OffscreenCanvas, palette: Palette): Promise<void> {
    this.#boundary = new Boundary(canvas);
    return this.redraw(palette);
  }

  redraw(palette: Palette): Promise<void> {
    return this.#look(async () => this.#boundary?.draw(this.#session, palette));
  }

  /** Loses the device, as a driver's crash would. */
  loseDevice(): void {
    (this.#session.device as Partial<GpuDevice>).gpu?.destroy();
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    this.#looked?.dispose();
    this.#looked = undefined;
  }
}

export type { DemoHost };

expose(new DemoHost());
