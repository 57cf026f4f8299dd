// The op table. The name under which an op stands here is its name everywhere.
import * as elementwise from "./elementwise.ts";
import * as matmul from "./matmul.ts";
import * as reduce from "./reduce.ts";
import * as source from "./source.ts";
import * as view from "./view.ts";

export const ops = { ...source, ...elementwise, ...view, ...reduce, ...matmul };

export type OpName = keyof typeof ops;
