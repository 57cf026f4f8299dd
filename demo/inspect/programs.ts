// What can be looked into: training steps of small nets on random images, and expressions, which can be changed.
import * as wgrad from "wgrad";
import {
  type Device,
  type DeviceArray,
  i32,
  type NdArray,
  ndarray,
  nn,
  optim,
  type Program,
  type TensorType,
  Trainer,
  u8,
} from "wgrad";

/** A program with inputs to run it on. */
export interface Ready {
  readonly program: Pick<Program<unknown, unknown>, "plan" | "dispose">;
  readonly inputs: unknown;
  dispose(): void;
}

/** Numbers in [0, 1), the same each time. */
function noise(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

interface Net {
  readonly model: nn.Layer;
  readonly shape: readonly number[];
  readonly batch: number;
}

const nets: Readonly<Record<string, Net>> = {
  mlp: {
    model: nn.sequential(nn.flatten(), nn.dense({ units: 128, activation: "relu" }), nn.dense({ units: 10 })),
    ...{ shape: [28, 28, 1], batch: 32 },
  },
  cnn: {
    model: nn.sequential(
      nn.conv2d({ filters: 8, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.conv2d({ filters: 16, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.flatten(),
      nn.dense({ units: 10 }),
    ),
    ...{ shape: [28, 28, 1], batch: 8 },
  },
  lstm: {
    model: nn.sequential(nn.lstm({ units: 16, returns: "last" }), nn.dense({ units: 10 })),
    ...{ shape: [8, 12], batch: 16 },
  },
};

/** A training step: cross-entropy and Adam, after a few steps on random images and labels. */
async function trainingStep(device: Device, { model, shape, batch }: Net): Promise<Ready> {
  const draw = noise(7);
  const trainer = await Trainer.create({
    ...{ device, model, batchSize: batch, seed: 1, loss: nn.softmaxCrossEntropy },
    data: {
      x: ndarray(u8(4 * batch, ...shape), () => (draw() < 0.6 ? 0 : Math.floor(256 * draw()))),
      y: ndarray(i32(4 * batch), (i) => i % 10),
    },
    optimizer: optim.adam({ learningRate: 2e-3 }),
  });
  const inputs = { state: trainer.state, data: trainer.data };
  const { program } = trainer;
  if (device.kind === "gpu") program.run(inputs, { repeat: 4 });
  return { program, inputs, dispose: () => trainer.dispose() };
}

type Types = { readonly [name: string]: TensorType };
type Compile = (f: (inputs: never) => unknown, types: Types, options?: { readonly carry?: readonly string[] }) => void;

/** Compiles what the text asks for: `compile(f, types, options)`, as of a device, with wgrad's names in scope. Inputs are random: floats in ±1,
 *  integers in 0 … 9. Throws what the text throws. */
async function expression(device: Device, text: string): Promise<Ready> {
  let asked: Parameters<Compile> | undefined;
  const compile: Compile = (...args) => void (asked = args);
  const scope = { ...wgrad, compile };
  new Function(...Object.keys(scope), `"use strict";\n${text}`)(...Object.values(scope));
  if (!asked) throw new Error("The text calls no compile(f, types).");
  const [f, types, options = {}] = asked;
  const program = await device.compile(f as never, types, options as never);
  const draw = noise(3);
  const randomOf = (type: TensorType): NdArray =>
    ndarray(type, () =>
      type.dtype === "f32" ? 2 * draw() - 1 : Math.floor((type.dtype === "bool" ? 2 : 10) * draw()),
    );
  const put = (names: string[]) =>
    device.put(Object.fromEntries(names.map((n) => [n, randomOf(types[n] as TensorType)])));
  // carried values lie side by side, and apart from the others
  const carry = options.carry ?? [];
  const inputs: Record<string, DeviceArray> = {
    ...put(Object.keys(types).filter((name) => carry.includes(name))),
    ...put(Object.keys(types).filter((name) => !carry.includes(name))),
  };
  const dispose = () => {
    program.dispose();
    for (const array of Object.values(inputs)) array.dispose();
  };
  return { program, inputs, dispose };
}

/** What is asked for: a net by name, or the text of an expression. */
export type Request = { readonly net: string } | { readonly text: string };

export function make(device: Device, request: Request): Promise<Ready> {
  if ("text" in request) return expression(device, request.text);
  const net = nets[request.net];
  if (!net) throw new Error(`no net ${request.net}`);
  return trainingStep(device, net);
}
