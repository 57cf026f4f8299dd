// GpuDevice: the runtime with the compiler: functions in, programs out.
import type { CompileOptions, Device, DeviceArray, Program } from "../device.ts";
import { toposort } from "../graph/node.ts";
import type { MapTree } from "../graph/tree.ts";
import type { Plan } from "../plan/data.ts";
import { functions } from "../plan/functions.ts";
import { makePlan, outputsOf, type PlanOptions } from "../plan/plan.ts";
import { gpuTarget, softwareTarget, type Target } from "../plan/target.ts";
import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { outputTree, type Trace, type TypeTree, trace } from "../trace.ts";
import type { GpuArray } from "./array.ts";
import { type EncodeOptions, GpuProgram, type Recorder } from "./program.ts";
import { type Found, GpuRuntime, infoOf, type RequestOptions, requestGpu } from "./runtime.ts";
import type { Tuning } from "./tuning.ts";

/** A program on a GPU: it can be recorded into an encoder of yours, and store its outputs in buffers of yours. */
export interface EncodableProgram<I, O>
  extends Program<I, O>,
    Pick<GpuProgram, "stats" | "pipelines" | "groups" | "profile" | "verify"> {
  readonly plan: Plan;
  /** Applies the function and submits. Throws ArrayError or ShapeError if an input or an output does not fit, before anything is
   *  submitted. */
  run(inputs: MapTree<I, TensorType, DeviceArray>, options?: EncodeOptions<O>): MapTree<O, Tensor, GpuArray>;
  /** Records into an encoder or an open compute pass; it runs when you submit. Creates and submits nothing, but for bind groups at the first use
   *  of arrays. Outputs hold their values from the submit on. */
  encode(
    into: Recorder,
    inputs: MapTree<I, TensorType, DeviceArray>,
    options?: EncodeOptions<O>,
  ): MapTree<O, Tensor, GpuArray>;
}

/** WebGPU as a device: plans functions and runs the plans. */
export class GpuDevice extends GpuRuntime implements Device {
  /** What plans are made for.
   *  @internal */
  readonly target: Target;
  /** Schedules that tuning chose on this adapter: assign what you kept from last time, keep what is there afterwards. */
  tuning: Tuning = {};

  /** Another device of the same request, with what tuning chose: for when this one is lost. Only of a device of our own. */
  readonly renew?: () => Promise<GpuDevice>;

  private constructor(found: Found, request?: RequestOptions) {
    super(found);
    if (request) this.renew = async () => Object.assign(await GpuDevice.request(request), { tuning: this.tuning });
    const { limits, features } = found.gpu;
    const { maxStorageBuffersPerShaderStage: maxBuffers, maxComputeInvocationsPerWorkgroup: maxWorkgroup } = limits;
    const quads = features.has("subgroups") && (found.info.subgroupMinSize ?? 0) >= 4;
    this.target = { ...(this.software ? softwareTarget : gpuTarget), maxBuffers, maxWorkgroup, quads };
  }

  static override async request(options: RequestOptions = {}): Promise<GpuDevice> {
    return new GpuDevice(await requestGpu(options), options);
  }

  static override from(gpu: GPUDevice): GpuDevice {
    return new GpuDevice({ gpu, info: infoOf(gpu), owned: false });
  }

  /** How a plan is made for this device: for its kind, with the schedules that tuning chose, and with what not every kind or graph needs.
   *  @internal */
  async planOptions(traced: Trace): Promise<PlanOptions> {
    const { target } = this;
    const own = toposort(outputsOf(traced)).map(({ op }) => op.functions?.());
    return {
      target,
      functions: Object.assign({}, functions, ...(await Promise.all(own))),
      schedule: (key) => this.tuning[key]?.schedule,
      parts: (key) => this.tuning[key]?.schedule.parts,
      ...(target.software && { walks: await import("../plan/walk.ts") }),
    };
  }

  /** Device.compile, of a program that also takes an encoder and buffers of yours. */
  async compile<I extends TypeTree, O, C extends keyof I & string = never>(
    f: (inputs: MapTree<I, TensorType, Tensor>) => O,
    types: I,
    options: CompileOptions<I, C> = {},
  ): Promise<EncodableProgram<I, Omit<O, C>>> {
    this.check();
    const traced = trace(f as never, types as never, options.carry);
    const { tune, label = "program" } = options;
    const program = await this.guarded(async () => {
      const plan = tune
        ? await (await import("./tune.ts")).tunedPlan(this, traced, tune === true ? {} : tune)
        : makePlan(traced, await this.planOptions(traced));
      return GpuProgram.create(this, plan, outputTree(traced), label);
    });
    return program as unknown as EncodableProgram<I, Omit<O, C>>;
  }
}
