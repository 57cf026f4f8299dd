// The WGSL functions that kernels may call, but for those that come with an op (graph/op.ts).
import { functions as math } from "../../shaders/math.ts";
import { functions as random } from "../../shaders/random.ts";
import type { Functions } from "./module.ts";

export const functions: Functions = { ...math, ...random };
