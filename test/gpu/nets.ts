// Small nets that train with all that training has to remember: Adam, dropout, running statistics, shuffles.
import type { Dataset } from "../../src/data/dataset.ts";
import type { Device } from "../../src/device.ts";
import * as nn from "../../src/nn/index.ts";
import { uniformValues } from "../../src/nn/key.ts";
import type { Layer } from "../../src/nn/layer.ts";
import * as optim from "../../src/optim/index.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { u8 } from "../../src/shape/types.ts";
import { Trainer, type TrainerOptions } from "../../src/train/trainer.ts";

export const nets = {
  mlp: nn.sequential(
    ...[nn.flatten(), nn.dense({ units: 12, activation: "relu" }), nn.dropout(0.4)],
    ...[nn.dense({ units: 3 })],
  ),
  cnn: nn.sequential(
    ...[nn.conv2d({ filters: 4, kernel: 3, activation: "relu" }), nn.batchNorm(), nn.maxPool2d(2), nn.dropout(0.2)],
    ...[nn.flatten(), nn.dense({ units: 3 })],
  ),
  lstm: nn.sequential(
    ...[nn.reshape(6, 6), nn.lstm({ units: 7, layers: 2, dropout: 0.3, returns: "last" }), nn.dropout(0.2)],
    ...[nn.dense({ units: 3 })],
  ),
} satisfies Record<string, Layer>;

export type NetName = keyof typeof nets;
export const netNames = Object.keys(nets) as NetName[];

/** Byte images 6×6 of three classes: bright on the left, on the right, or nowhere. */
export function images(n: number, seed = 5): Dataset {
  const noise = uniformValues(nn.keyOf(seed), [n, 36]);
  const bright = (i: number) => [i % 6 < 3, i % 6 >= 3, false][Math.floor(i / 36) % 3];
  return {
    x: ndarray(u8(n, 6, 6, 1), (i) => Math.floor(100 * noise[i]!) + (bright(i) ? 100 : 0)),
    y: ndarray(u8(n), (i) => i % 3),
  };
}

export const data = images(70);

/** A trainer of a net: everything but the device is always the same. */
export const create = (device: Device, net: NetName, more: Partial<TrainerOptions> = {}): Promise<Trainer> =>
  Trainer.create({
    ...{ device, model: nets[net], data, batchSize: 16, seed: 11, loss: nn.softmaxCrossEntropy },
    optimizer: optim.adam({ learningRate: optim.warmUp(5, 0.02) }),
    ...more,
  });

export async function train(trainer: Trainer, steps: number): Promise<Trainer> {
  for await (const _ of trainer.fit({ steps }));
  return trainer;
}

/** Where processes leave a net's checkpoint of step k for each other. */
export const fileOf = (folder: string, net: NetName, k: number, note = "saved"): string =>
  `${folder}/${net}-${k}-${note}.safetensors`;
