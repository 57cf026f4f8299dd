// Reverses a sequence of digits: an encoder–decoder with attention, which learns to look from the end to the start.
import type { Dataset } from "../../data/dataset.ts";
import type { DeviceArray } from "../../device.ts";
import type { Loss } from "../../nn/losses.ts";
import { seq2seq } from "../../nn/seq2seq.ts";
import { clipByGlobalNorm } from "../../optim/clip.ts";
import { adam } from "../../optim/rules.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { f32, i32, u8 } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { compileTree, isDeviceArray, mapLeaves, type Trees } from "../program.ts";
import { Trainer } from "../trainer.ts";
import { Draw, filled, type SequenceTask, train } from "./task.ts";

const digits = 10;
/** The decoder's first input. */
const start = digits;

/** x [n, 2T]: the digits, then the start token and the reversed digits but for the last. y [n, T]: the reversed digits. */
export function reverseData(n: number, length: number, seed: number): Dataset {
  const draw = new Draw(seed);
  const rows = Array.from({ length: n }, () => Array.from({ length }, () => draw.below(digits)));
  const x = rows.flatMap((row) => [...row, start, ...[...row].reverse().slice(0, -1)]);
  const y = rows.flatMap((row) => [...row].reverse());
  return { x: { ...u8(n, 2 * length), data: Uint8Array.from(x) }, y: filled(f32(n, length), y) };
}

/** The mean over all steps; targets are tokens. */
export const tokenLoss: Loss = (logits, target, options) =>
  logits.softmaxCrossEntropy(target.cast("i32"), options ?? {});

export const reverse: SequenceTask = {
  description: "seq2seq with attention: reverses digits, and shows where it looks",
  takes: ["steps", "batch", "lr", "length"],
  async run(device, { seed, steps = 1500, batch = 64, lr = 0.005, length = 8 }, print) {
    const model = seq2seq({ vocabulary: digits + 1, units: 64, sourceLength: length });
    await using trainer = await Trainer.create({
      ...{ device, model, seed, loss: tokenLoss, batchSize: batch, data: reverseData(16_000, length, 2 * seed) },
      prepare: (x) => x.cast("i32"),
      optimizer: adam({ learningRate: lr, clip: clipByGlobalNorm(1) }),
    });
    await train(trainer, steps, print);

    const count = 500;
    const test = reverseData(count, length, 2 * seed + 1);
    const source = Array.from(test.x.data).filter((_, i) => i % (2 * length) < length);
    const types = mapLeaves(trainer.state.params!, isDeviceArray, ({ type }) => type);
    const program = await compileTree(
      device,
      ({ params, x }) => model.decode(params!, x as Tensor, start, length) as unknown as Trees<Tensor>,
      { params: types, x: i32(count, length) },
    );
    const { x } = device.put({ x: { ...i32(count, length), data: Int32Array.from(source) } as NdArray });
    const found = program.run({ params: trainer.state.params!, x }) as unknown as Record<string, DeviceArray>;
    const [tokens, weights] = await Promise.all([found.tokens!.read(), found.weights!.read()]);
    program.dispose();
    const right = (row: number) =>
      Array.from({ length }, (_, t) => row * length + t).every((i) => tokens.data[i] === test.y.data[i]);
    const exact = Array.from({ length: count }, (_, row) => right(row)).filter(Boolean).length / count;
    print(`${source.slice(0, length).join(" ")}  →  ${Array.from(tokens.data.subarray(0, length)).join(" ")}`);
    print("where each output (a row) looks in the source:");
    for (let t = 0; t < length; t++) {
      const row = weights.data.subarray(t * length, (t + 1) * length);
      const shade = (w: number) => " ░▒▓█"[Math.min(4, Math.floor((5 * w) / Math.max(...row)))] as string;
      print(`  ${tokens.data[t]} ${Array.from(row, (w) => shade(w).repeat(2)).join("")}`);
    }
    print(`exact sequences: ${(100 * exact).toFixed(1)} %`, { exact });
    return { exactSequences: exact };
  },
};
