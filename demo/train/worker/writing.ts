// Text that the character model writes: character by character, each drawn with probability softmax(logits / temperature), on the device.
import {
  type DeviceArray,
  f32,
  i32,
  iota,
  type NdArray,
  ndarray,
  nn,
  type Tensor,
  type Tree,
  u32,
  uniform,
} from "wgrad";
import type { Text } from "./data.ts";
import { textSizes } from "./models.ts";
import { compile, type Trees } from "./programs.ts";
import type { Session } from "./session.ts";

/** Characters of the text that a sample goes on from: a state of zeros is none that training has seen. */
const promptLength = 48;
const sampleLength = 200;

export interface Sample {
  readonly prompt: string;
  readonly written: string;
}

interface Look {
  sample(seed: number, temperature: number): Promise<Sample>;
  dispose(): void;
}

/** What goes from character to character. The one after position p is written at p. */
const { units } = textSizes;
const length = promptLength + sampleLength;
const carried = {
  ...{ h: f32(1, units), c: f32(1, units), token: i32(), position: u32(), written: i32(length) },
  ...{ prompt: i32(promptLength), key: u32(2), temperature: f32() },
};
type Carried<T> = Record<keyof typeof carried, T>;

export async function writing({ device, made: { layers, text }, variables }: Session): Promise<Look> {
  const [embedding, lstm, dense] = layers as [nn.Layer, nn.RecurrentLayer, nn.Layer];
  const { alphabet, tokens } = text as Text;

  const step = ({ params, gen }: Trees<Tensor>): Trees<Tensor> => {
    const p = params as Record<string, Tree<Tensor>>;
    const { h, c, token, position, written, prompt, key, temperature } = gen as Carried<Tensor>;
    const context: nn.Context = { training: false, key };
    const own = (name: string) => ({ params: p[name]!, state: {} });
    const x = embedding.apply(own("embedding0"), token.reshape([1, 1]), context).y;
    const { y, last } = lstm.run(own("lstm1"), x, context, { initial: [{ h, c }] });
    const logits = dense.apply(own("dense2"), y, context).y.squeeze([0, 1]);
    // the Gumbel maximum: argmax(logits/T − log(−log u)) is a draw from softmax(logits/T)
    const noise = uniform(nn.foldTensor(key.add(position), 1), logits.shape)
      .maximum(1e-12)
      .log()
      .neg()
      .log()
      .neg();
    const drawn = logits.div(temperature).add(noise).argmax(0);
    const given = prompt.gather(position.add(1).minimum(promptLength - 1));
    const next = given.where(position.less(promptLength - 1), drawn);
    const here = iota(u32(length)).equal(position);
    const state = { h: last[0]!.h, c: last[0]!.c!, token: next, position: position.add(1) };
    return {
      gen: { ...state, prompt, key, temperature, written: next.broadcastTo([length]).where(here, written) },
    };
  };
  const types = { params: variables.types.params, gen: carried };
  const program = await compile(device, step, types, { carry: ["gen"], label: "write" });

  return {
    async sample(seed, temperature) {
      const from = (seed * 7919) % (tokens.length - promptLength);
      const prompt = tokens.slice(from, from + promptLength);
      const first = { token: prompt.slice(0, 1), key: [seed, 0], temperature: [temperature] };
      const given: Partial<Carried<number[]>> = { prompt, ...first };
      const start = Object.entries(carried).map(([name, type]): [string, NdArray] => [
        name,
        ndarray(type, given[name as keyof typeof carried] ?? (() => 0)),
      ]);
      const { gen } = device.put({ gen: Object.fromEntries(start) }) as { gen: Carried<DeviceArray> };
      program.run({ params: variables.arrays.params, gen }, { repeat: length - 1 });
      const { data } = await gen.written.read();
      for (const array of Object.values(gen)) array.dispose();
      const show = (list: Iterable<number>) => Array.from(list, (k) => alphabet[k]).join("");
      return { prompt: show(prompt), written: show(data.subarray(promptLength - 1, length - 1)) };
    },
    dispose: () => program.dispose(),
  };
}
