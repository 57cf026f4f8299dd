// The op table, for `import * as ops`. The name under which an op stands here is its name everywhere. Who imports one op gets no other.
export * from "./activation.ts";
export * from "./avgPool.ts";
export * from "./binary.ts";
export * from "./concat.ts";
export * from "./conv.ts";
export * from "./detach.ts";
export * from "./gather.ts";
export * from "./matmul.ts";
export * from "./maxPool.ts";
export * from "./netLoop.ts";
export * from "./pad.ts";
export * from "./random.ts";
export * from "./recurrent/gru.ts";
export * from "./recurrent/gruResetBefore.ts";
export * from "./recurrent/lstm.ts";
export * from "./recurrent/rnn.ts";
export * from "./reduce.ts";
export * from "./reverseSequence.ts";
export * from "./softmax.ts";
export * from "./source.ts";
export * from "./unary.ts";
export * from "./view.ts";

export type OpName = keyof typeof import("./index.ts");
