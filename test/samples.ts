// Samples of every op: a forgotten one is a compile error.
import type { OpName } from "../src/ops/index.ts";
import { samples as binary } from "./samples/binary.ts";
import type { Sample } from "./samples/sample.ts";
import { samples as unary } from "./samples/unary.ts";
import { samples as view } from "./samples/view.ts";

export type { Sample } from "./samples/sample.ts";

export const samples: Record<OpName, readonly Sample[]> = { ...unary, ...binary, ...view };
