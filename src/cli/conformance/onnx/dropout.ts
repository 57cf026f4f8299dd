// Dropout in training as ONNX's own tests have it: the mask is numpy's, an element stays where its uniform number is ≥ the ratio.
import { builders } from "../../../onnx/builders/index.ts";
import type { Builder } from "../../../onnx/operator.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import { constant } from "../../../tensor.ts";
import { uniforms } from "./numpy.ts";

export const dropout: Builder = (n) => {
  const ratio = n.values(1)?.[0] ?? n.attributes.number("ratio", 0.5);
  if (!n.values(2)?.[0] || ratio === 0) return builders.Dropout!(n);
  if (!n.attributes.has("seed")) throw new UnsupportedError("dropout in training without a seed");
  const x = n.get(0);
  const size = x.shape.reduce((a, b) => a * b, 1);
  const mask = uniforms(n.attributes.number("seed"), size).map((u) => Number(u >= ratio));
  const kept = constant({ dtype: "bool", shape: x.shape }, mask);
  return [x.mul(1 / (1 - ratio)).where(kept, 0), kept];
};
