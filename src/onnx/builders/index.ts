// The table of ONNX's operators, by name: what each makes in the library's ops.
import type { Builder } from "../operator.ts";
import { elementwise } from "./elementwise.ts";
import { norms } from "./norms.ts";
import { recurrent } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { views } from "./views.ts";
import { windows } from "./windows.ts";

export const builders: Readonly<Record<string, Builder>> = {
  ...elementwise,
  ...reductions,
  ...views,
  ...windows,
  ...norms,
  ...recurrent,
};
