// A character model: an LSTM that predicts the next character, trained by truncated BPTT. The text is cut into as many streams as there are
// rows in a batch; a step takes the next window of each, and the state goes on from window to window without gradient. What it writes goes on
// from a stream too, by the state that training has come to: one of zeros training has met once, at its first step, and from there the net may
// write nonsense however well it reads.
import type { Dataset } from "../../data/dataset.ts";
import type { Device, DeviceArray } from "../../device.ts";
import { foldTensor } from "../../nn/key.ts";
import type { Context, Layer, Params } from "../../nn/layer.ts";
import { dense } from "../../nn/layers.ts";
import { sequential } from "../../nn/model.ts";
import { lstm } from "../../nn/recurrentLayers.ts";
import { embedding } from "../../nn/sequence.ts";
import { clipByGlobalNorm } from "../../optim/clip.ts";
import { adam } from "../../optim/rules.ts";
import { ValueError } from "../../shape/errors.ts";
import { allocate, type NdArray } from "../../shape/ndarray.ts";
import { f32, i32, numel, type TensorType, u8, u32 } from "../../shape/types.ts";
import { iota, type Tensor, uniform } from "../../tensor.ts";
import { isType } from "../../trace.ts";
import {
  compileTree,
  disposeTree,
  isDeviceArray,
  mapLeaves,
  putTree,
  type TreeProgram,
  type Trees,
} from "../program.ts";
import { Trainer } from "../trainer.ts";
import { tokenLoss } from "./reverse.ts";
import { filled, type SequenceTask, train } from "./task.ts";

/** Example w·B + b is window w of stream b: x the characters, y the ones after them. */
export function windows(tokens: readonly number[], batch: number, length: number): Dataset {
  const stream = Math.floor(tokens.length / batch);
  const count = Math.floor((stream - 1) / length);
  if (count < 1)
    throw new ValueError(
      `char-rnn: a text of ${tokens.length} characters has no window of ${length} in ${batch} streams; give a longer one`,
    );
  const rows = Array.from({ length: count * batch }, (_, i) => (i % batch) * stream + Math.floor(i / batch) * length);
  const cut = (shift: number) => rows.flatMap((from) => tokens.slice(from + shift, from + shift + length));
  return {
    x: { ...u8(rows.length, length), data: Uint8Array.from(cut(0)) },
    y: filled(f32(rows.length, length), cut(1)),
  };
}

const units = 128;
const layersOf = (size: number) => ({
  embedding0: embedding({ size, units: 32 }),
  lstm1: lstm({ units, stateful: true }),
  dense2: dense({ units: size }),
});

export const charRnn: SequenceTask = {
  description: "an LSTM of 128 units that writes like the text it has read",
  takes: ["steps", "batch", "lr", "length", "text", "temperature"],
  async run(device, args, print) {
    const { seed, steps = 1200, batch = 32, lr = 0.005, length = 32, text = "", temperature = 0.7 } = args;
    const alphabet = [...new Set(text)].sort();
    if (alphabet.length > 256)
      throw new ValueError(`char-rnn: ${alphabet.length} different characters (vs at most 256); give a plainer text`);
    const tokens = Array.from(text, (c) => alphabet.indexOf(c));
    if (tokens.length < promptLength)
      throw new ValueError(
        `char-rnn: a text of ${tokens.length} characters (vs at least ${promptLength}); give a longer one`,
      );
    const layers = layersOf(alphabet.length);
    await using trainer = await Trainer.create({
      ...{
        device,
        seed,
        loss: tokenLoss,
        batchSize: batch,
        data: windows(tokens, batch, length),
        sampling: "sequential",
      },
      model: sequential(...Object.values(layers)),
      prepare: (x) => x.cast("i32"),
      optimizer: adam({ learningRate: lr, clip: clipByGlobalNorm(1) }),
    });
    const types = mapLeaves(trainer.state.params!, isDeviceArray, ({ type }) => type);
    const writing = await writer(device, layers, types, temperature);
    print(`${text.length} characters, ${alphabet.length} different ones; samples go on from [a piece of the text]`);
    let loss = Number.NaN;
    const parts = 4;
    for (let part = 0; part < parts; part++) {
      loss = await train(trainer, Math.ceil(steps / parts), print, " nats a character");
      const stream = Math.floor((part * batch) / parts);
      const from = Math.min(nextOf(stream, trainer.step, tokens, batch, length), tokens.length - promptLength);
      const prompt = tokens.slice(from, from + promptLength);
      const { h, c } = await heldBy(trainer, stream);
      const written = await write(device, writing, trainer.state.params, { h, c, prompt, seed: seed + part });
      const show = (list: readonly number[]) => list.map((k) => alphabet[k]).join("");
      print(`\n[${show(prompt)}]${show(written)}\n`);
    }
    writing.dispose();
    return { natsPerCharacter: loss };
  },
};

/** Where in the text a stream goes on after so many steps. */
function nextOf(stream: number, step: number, tokens: readonly number[], batch: number, length: number): number {
  const size = Math.floor(tokens.length / batch);
  return stream * size + (step % Math.floor((size - 1) / length)) * length;
}

/** The LSTM's state of a stream. */
async function heldBy(trainer: Trainer, stream: number): Promise<Record<"h" | "c", NdArray>> {
  const { lstm1 } = trainer.state.model as unknown as { lstm1: { layer0: Record<"h" | "c", DeviceArray> } };
  const row = async (a: DeviceArray): Promise<NdArray> => {
    const { data } = await a.read();
    return { ...f32(1, units), data: data.slice(stream * units, (stream + 1) * units) };
  };
  const { h, c } = lstm1.layer0;
  return { h: await row(h), c: await row(c) };
}

const sampleLength = 240;
/** Characters of the text that a sample goes on from: what it goes on with is to be seen. */
const promptLength = 64;
/** What writing carries from character to character. */
const generated = {
  ...{ h: f32(1, units), c: f32(1, units), token: i32(), position: u32(), key: u32(2) },
  ...{ written: i32(sampleLength), prompt: i32(promptLength) },
};

/** One character more: gen → gen. A character is drawn with probability softmax(logits / temperature), by the Gumbel maximum. */
function writer(
  device: Device,
  layers: ReturnType<typeof layersOf>,
  params: unknown,
  temperature: number,
): Promise<TreeProgram> {
  const step = ({ params, gen }: Trees<Tensor>): Trees<Tensor> => {
    const p = params as unknown as Record<string, Params<Tensor>>;
    const { h, c, token, position, written, prompt, key } = gen as unknown as Record<string, Tensor>;
    const context: Context = { training: false, key: key! };
    const apply = (name: string, layer: Layer, x: Tensor) => layer.apply({ params: p[name]!, state: {} }, x, context).y;
    const x = apply("embedding0", layers.embedding0, token!.reshape([1, 1]));
    const { y, last } = layers.lstm1.run({ params: p.lstm1!, state: {} }, x, context, { initial: [{ h: h!, c: c! }] });
    const logits = apply("dense2", layers.dense2, y).squeeze([0, 1]);
    const u = uniform(foldTensor(key!.add(position!), 1), logits.shape);
    const gumbel = u.maximum(1e-12).log().neg().log().neg();
    const drawn = logits.div(Math.max(temperature, 1e-3)).add(gumbel).argmax(0);
    const next = prompt!
      .gather(position!.add(1).minimum(promptLength - 1))
      .where(position!.less(promptLength - 1), drawn);
    const here = iota(u32(sampleLength)).equal(position!.rem(sampleLength));
    return {
      gen: {
        ...{ h: last[0]!.h, c: last[0]!.c!, token: next, key: key!, prompt: prompt!, position: position!.add(1) },
        written: next.broadcastTo([sampleLength]).where(here, written!),
      },
    };
  };
  return compileTree(device, step, { params: params as never, gen: generated }, { carry: ["gen"], label: "write" });
}

async function write(
  device: Device,
  program: TreeProgram,
  params: unknown,
  { h, c, prompt, seed }: { h: NdArray; c: NdArray; prompt: readonly number[]; seed: number },
): Promise<number[]> {
  const zeros = (type: TensorType): NdArray => ({ ...type, data: allocate(type.dtype, numel(type.shape)) });
  const given = {
    ...{ h, c },
    key: { ...u32(2), data: Uint32Array.from([seed, 0]) },
    prompt: { ...i32(promptLength), data: Int32Array.from(prompt) },
    token: { ...i32(), data: Int32Array.from(prompt.slice(0, 1)) },
  };
  const state = mapLeaves(generated as never, isType, zeros) as unknown as Record<string, NdArray>;
  const gen = putTree(device, { ...state, ...given }) as Record<string, DeviceArray>;
  // the character after position p is written at p mod sampleLength
  program.run({ params: params as never, gen }, { repeat: promptLength - 1 + sampleLength });
  const { data } = await gen.written!.read();
  disposeTree(gen);
  return Array.from({ length: sampleLength }, (_, k) => data[(promptLength - 1 + k) % sampleLength] as number);
}
