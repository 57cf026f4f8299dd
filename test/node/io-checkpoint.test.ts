// Checkpoints: what they hold, what they refuse, and that training goes on from them, here on the CPU reference, whose float64 they keep.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { crc32 } from "../../src/io/crc32.ts";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import { loadWeights, saveWeights } from "../../src/io/weights.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { CheckpointError, FormatError, ShapeError, ValueError } from "../../src/shape/errors.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32, u8 } from "../../src/shape/types.ts";
import { Trainer, type TrainerOptions } from "../../src/train/trainer.ts";
import { peakMemory } from "../peakMemory.ts";
import { random } from "../samples/sample.ts";

const device = new CpuDevice();
const data = { x: random(f32(20, 3), { seed: 1 }), y: ndarray(u8(20), (i) => i % 2) };
const mlp = (units: number, activation: nn.Activation = "tanh", rate = 0.3) =>
  nn.sequential(nn.dense({ units, activation }), nn.batchNorm(), nn.dropout(rate), nn.dense({ units: 2 }));
const options: TrainerOptions = {
  ...{ device, model: mlp(4), data, batchSize: 6, seed: 7, loss: nn.softmaxCrossEntropy },
  optimizer: optim.adam({ learningRate: 0.03 }),
};
const create = (more: Partial<TrainerOptions> = {}) => Trainer.create({ ...options, ...more });

async function trained(trainer: Trainer, steps: number): Promise<Uint8Array> {
  for await (const _ of trainer.fit({ steps }));
  return trainer.checkpoint();
}

let five: Uint8Array;
let ten: Uint8Array;
beforeAll(async () => {
  const trainer = await create();
  five = await trained(trainer, 5);
  ten = await trained(trainer, 5);
});

describe("training goes on from a checkpoint, to the bit", () => {
  test("in a new trainer, which takes its seed", async () => {
    const { seed: _, ...rest } = options;
    const trainer = await Trainer.create({ ...rest, checkpoint: five });
    expect(trainer.step).toBe(5);
    expect(await trainer.checkpoint()).toEqual(five);
    expect(await trained(trainer, 5)).toEqual(ten);
  });

  test("in one that has gone elsewhere", async () => {
    const trainer = await create();
    await trained(trainer, 3);
    await trainer.restore(five);
    expect(trainer.step).toBe(5);
    expect(await trained(trainer, 5)).toEqual(ten);
    await trainer.restore(five);
    expect(await trained(trainer, 5)).toEqual(ten);
  });

  test("of which one was taken while it trained", async () => {
    const trainer = await create();
    const taken: Uint8Array[] = [];
    for await (const { step } of trainer.fit({ steps: 10, reportEvery: 1 }))
      if (step === 5) taken.push(await trainer.checkpoint()); // the reference runs nothing meanwhile
    expect(taken).toEqual([five]);
  });
});

test("a checkpoint says what it is of", () => {
  const { config, computes, file } = readCheckpoint(five);
  const [x, y] = ["f32[20,3]", "u8[20]"];
  expect(config).toEqual({ seed: 7, sampling: "shuffle", batchSize: 6, x, y, optimizer: "adam" });
  expect(Object.keys(computes)).toEqual(["model", "loss", "update"]);
  expect(computes.model).toEqual(expect.arrayContaining(["matmul", "tanh", "0.3", "randomBits shape [6,4]"]));
  expect([...file.read("step").data]).toEqual([5]);
  expect([...file.types.keys()]).toContain("optimizer.m.dense0.weight");
  expect([...file.types.keys()]).toContain("model.batchNorm1.mean");
});

describe("a checkpoint of another training says what differs:", () => {
  const values = { x: data.x, y: random(f32(20, 2), { seed: 2 }) };
  test.each<[string, Partial<TrainerOptions>, string]>([
    ["model", { model: mlp(5) }, "params.dense0.weight f32[3,4] (vs f32[3,5]), params.dense0.bias f32[4] (vs f32[5])"],
    ["layers", { model: nn.sequential(nn.dense({ units: 2 })) }, "params.dense0.weight f32[3,4] (vs f32[3,2])"],
    [
      "more of it",
      { model: mlp(5) },
      "optimizer.m.batchNorm1.scale f32[4] (vs f32[5]) and 9 more; make the trainer as it was",
    ],
    ["optimizer", { optimizer: optim.sgd({ learningRate: 1 }) }, "it has optimizer adam (vs sgd), optimizer.m."],
    ["activation", { model: mlp(4, "relu") }, "it has model tanh (vs relu); make"],
    ["rate of dropout", { model: mlp(4, "tanh", 0.4) }, "it has model 1.42857, 0.3 (vs 1.66667, 0.4); make"],
    [
      "loss",
      { loss: nn.crossEntropy({ labelSmoothing: 0.1 }) },
      "it has loss nothing (vs reshape shape [6,1], sub, log, ",
    ],
    ["learning rate", { optimizer: optim.adam({ learningRate: 5 }) }, "it has update 0.03 (vs 5); make"],
    [
      "schedule",
      { optimizer: optim.adam({ learningRate: optim.cosine({ learningRate: 0.03, steps: 9 }) }) },
      "it has update 0.03 (vs 9, minimum, 0.349066, cos, 0.015, 0); make",
    ],
    [
      "decay",
      { optimizer: optim.adam({ learningRate: 0.03, weightDecay: 0.2 }) },
      "it has update nothing (vs 0.2); make",
    ],
    ["input", { prepare: (x) => x.mul(2) }, "it has model nothing (vs 2); make"],
    ["batch", { batchSize: 7 }, "it has batchSize 6 (vs 7); make"],
    ["seed", { seed: 8 }, "it has seed 7 (vs 8); make"],
    ["sampling", { sampling: "sequential" }, "it has sampling shuffle (vs sequential); make"],
    ["data", { data: values, loss: nn.mse }, "it has y u8[20] (vs f32[20,2]); make"],
    [
      "amount of data",
      { data: { x: random(f32(9, 3)), y: ndarray(u8(9), () => 1) } },
      "it has x f32[20,3] (vs f32[9,3]), y u8[20]",
    ],
  ])("%s", async (_, more, message) => {
    const created = create({ ...more, checkpoint: five });
    await expect(created).rejects.toThrow(CheckpointError);
    await expect(created).rejects.toThrow(message);
    const trainer = await create(more);
    const before = await trainer.checkpoint();
    await expect(trainer.restore(five)).rejects.toThrow(message);
    expect(await trainer.checkpoint()).toEqual(before);
  });

  test("version", () => {
    const { metadata, types, read } = readSafetensors(five);
    const arrays = new Map([...types.keys()].map((name) => [name, read(name)]));
    const later = writeSafetensors(arrays, { metadata: { ...metadata, "wgrad.checkpoint": "3" }, float64: true });
    expect(() => readCheckpoint(later)).toThrow(CheckpointError);
    expect(() => readCheckpoint(later)).toThrow("another version of the format (3 vs 2)");
  });
});

describe("what is no checkpoint is refused", () => {
  test("weights", async () => {
    const weights = await saveWeights(await create());
    expect(() => readCheckpoint(weights)).toThrow("the file is safetensors and no checkpoint");
    expect(() => readCheckpoint(new TextEncoder().encode("nothing of the kind"))).toThrow(FormatError);
  });

  test("one whose configuration is none, however well it is signed", () => {
    for (const config of [null, 7, [[]], { seed: {} }, { seed: null }])
      expect(() => readCheckpoint(writeCheckpoint({ config: config as never, computes: {} }, {}, false))).toThrow(
        "its configuration is none",
      );
  });

  test("one that would take more than twice its memory", () => {
    const megabytes = 2 ** 20;
    const member = (_: unknown, i: number) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
    const metadata = `"__metadata__":{"checksum":"00000000","wgrad.checkpoint":"2","config":"{}"}`;
    const data = `"data":{"dtype":"U8","shape":[${8 * megabytes}],"data_offsets":[0,${8 * megabytes}]}`;
    const header = new TextEncoder().encode(`{${[metadata, data, ...Array.from({ length: 95_000 }, member)]}}`);
    const arrays = new Uint8Array(8 + header.length + 8 * megabytes);
    new DataView(arrays.buffer).setBigUint64(0, BigInt(header.length), true);
    arrays.set(header, 8);
    const config = writeCheckpoint({ config: { seed: Array(300_000).fill([]) } as never, computes: {} }, {}, false);
    const flipped = writeCheckpoint({ config: {}, computes: {} }, { x: ndarray(u8(48 * megabytes), () => 0) }, false);
    flipped[flipped.length - 1] = 1;
    for (const [bytes, message] of [
      [arrays, "its checksum differs"],
      [config, "its configuration is none"],
      [flipped, "its checksum differs"],
    ] as const) {
      const { bytes: peak, result } = peakMemory(() => {
        try {
          return readCheckpoint(bytes);
        } catch (error) {
          return error;
        }
      });
      expect(result).toBeInstanceOf(FormatError);
      expect(String(result)).toContain(message);
      expect(peak).toBeLessThan(2 * bytes.length + 8 * megabytes);
    }
  });

  test("one that is cut, anywhere", () => {
    for (let length = 0; length < five.length; length += 97)
      expect(() => readCheckpoint(five.subarray(0, length))).toThrow(FormatError);
  });

  test("one with a flipped bit, anywhere", async () => {
    const trainer = await create();
    await fc.assert(
      fc.asyncProperty(fc.nat(five.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = five.slice();
        damaged[at]! ^= 1 << bit;
        const failure = await trainer.restore(damaged).catch((error: unknown) => error);
        expect(failure instanceof FormatError || failure instanceof CheckpointError).toBe(true);
      }),
      { numRuns: 300 },
    );
    expect(trainer.step).toBe(0);
  });
});

test("options that contradict each other, and a restore in the midst of a fit, are refused", async () => {
  const trainer = await create();
  await expect(create({ checkpoint: five, params: await trainer.params() })).rejects.toThrow("both given");
  await expect(create({ keepEvery: -1 })).rejects.toThrow(ValueError);
  await expect(create({ onLost: "fai" as "fail" })).resolves.toBeDefined(); // the reference is never lost
  for await (const _ of trainer.fit({ steps: 2, reportEvery: 1 })) {
    await expect(trainer.restore(five)).rejects.toThrow("restore: the trainer is in a fit");
    break;
  }
});

test("weights go from trainer to trainer, running statistics with them", async () => {
  const [a, b] = [await create({ checkpoint: ten }), await create({ seed: 1 })];
  const variables = await a.variables();
  expect(Object.keys(variables.state)).toEqual(["batchNorm1"]);
  b.setVariables(variables);
  expect(await b.predict(data.x)).toEqual(await a.predict(data.x));
  const c = await create({ seed: 2 });
  loadWeights(c, await saveWeights(a));
  const [y, z] = [await a.predict(data.x), await c.predict(data.x)];
  for (const [i, v] of y.data.entries()) expect(Math.abs(v - z.data[i]!)).toBeLessThan(1e-6); // f32 in the file
  expect(() => c.setVariables({ params: variables.params, state: {} })).toThrow(ShapeError);
});

test("CRC-32 is that of zip", () => {
  const digits = new TextEncoder().encode("123456789");
  expect(crc32(digits)).toBe(0xcbf43926); // the check value of the polynomial
  expect(crc32(digits.subarray(4), crc32(digits.subarray(0, 4)))).toBe(0xcbf43926);
});
