// The WGSL functions that kernels may call.
import { functions as math } from "../../shaders/math.ts";
import { functions as random } from "../../shaders/random.ts";
import type { Functions } from "./module.ts";

export const functions: Functions = { ...math, ...random };
