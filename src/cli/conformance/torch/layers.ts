// Convolution, pooling and normalisation.

import * as norm from "../../../compositions/norm.ts";
import * as windows from "../../../compositions/window.ts";
import type { Attributes } from "../../../onnx/attributes.ts";
import { channelsFirst, channelsLast, filter } from "../../../onnx/layout.ts";
import { avgPool, maxPool, type Pooling } from "../../../onnx/pool.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import type { Tensor } from "../../../tensor.ts";
import { type Builder, type Inputs, type Outputs, one, perAxis } from "./common.ts";

type Pair = readonly [number, number];

const biased = (y: Tensor, b: Tensor | undefined): Tensor => channelsFirst(b ? y.add(b) : y);

/** Options of a convolution over two axes. */
const windowOf = (a: Attributes) => ({
  stride: perAxis(a, "stride", 2, 1) as Pair,
  padding: perAxis(a, "pad", 2, 0) as Pair,
  dilation: perAxis(a, "dilation", 2, 1) as Pair,
  groups: a.number("groups", 1),
});

const conv2d = one((x, a) => biased(channelsLast(x.get("x")).conv2d(filter(x.get("w")), windowOf(a)), x.maybe("b")));

const convTranspose2d = one((x, a) => {
  const outputPadding = perAxis(a, "output_padding", 2, 0) as Pair;
  const y = windows.convTranspose2d(channelsLast(x.get("x")), filter(x.get("w")), { ...windowOf(a), outputPadding });
  return biased(y, x.maybe("b"));
});

const conv1d = one((x, a) => {
  const only = (name: string, otherwise: number) => perAxis(a, name, 1, otherwise)[0]!;
  const y = windows.conv1d(channelsLast(x.get("x")), filter(x.get("w")), {
    stride: only("stride", 1),
    padding: only("pad", 0),
    dilation: only("dilation", 1),
    groups: a.number("groups", 1),
  });
  return biased(y, x.maybe("b"));
});

const pooling = (pool: (x: Tensor, p: Pooling) => Tensor): Builder =>
  one((x, a) => pool(x.get("x"), poolingOf(x.get("x"), a)));

function poolingOf(x: Tensor, a: Attributes): Pooling {
  if (a.has("divisor_override")) throw new UnsupportedError("divisor_override");
  const rank = x.rank - 2;
  const kernel = perAxis(a, "kernel", rank, 1);
  return {
    kernel,
    stride: a.has("stride") ? perAxis(a, "stride", rank, 1) : kernel,
    padding: perAxis(a, "pad", rank, 0).map((p) => [p, p] as const),
    dilation: perAxis(a, "dilation", rank, 1),
    ceilMode: a.flag("ceil_mode"),
    countIncludePad: a.flag("count_include_pad", true),
  };
}

function batchNorm(x: Inputs, a: Attributes): Outputs {
  if (a.number("channel_axis", 1) !== 1) throw new UnsupportedError(`channel_axis ${a.number("channel_axis")}`);
  const running = { mean: x.get("running_mean"), variance: x.get("running_var") };
  const { y, running: after } = norm.batchNorm(channelsLast(x.get("x")), running, {
    training: a.text("mode") === "train",
    scale: x.get("gamma"),
    shift: x.get("beta"),
    epsilon: a.number("eps", 1e-5),
    momentum: a.number("momentum", 0.1),
  });
  return { y: channelsFirst(y), "state_after running_mean": after.mean, "state_after running_var": after.variance };
}

const layerNorm = one((x, a) => {
  const axes = a.numbers("normalized_shape").map((_, i) => -1 - i);
  const [scale, shift] = [x.maybe("gamma"), x.maybe("beta")];
  const epsilon = a.number("eps", 1e-5);
  return norm.layerNorm(x.get("x"), axes, { epsilon, ...(scale ? { scale } : {}), ...(shift ? { shift } : {}) });
});

const globalAveragePool = one((x) => {
  const t = x.get("x");
  return channelsLast(t)
    .globalAveragePool()
    .reshape(t.shape.map((n, d) => (d < 2 ? n : 1)));
});

export const layers: Readonly<Record<string, Builder>> = {
  conv2d,
  conv_transpose2d: convTranspose2d,
  conv1d,
  maxpool2d: pooling(maxPool),
  avgpool2d: pooling(avgPool),
  global_avgpool: globalAveragePool,
  batchnorm: batchNorm,
  layernorm: layerNorm,
};
