// The op table. The name under which an op stands here is its name everywhere.
import * as activation from "./activation.ts";
import * as avgPool from "./avgPool.ts";
import * as binary from "./binary.ts";
import * as concat from "./concat.ts";
import * as conv from "./conv.ts";
import * as detach from "./detach.ts";
import * as gather from "./gather.ts";
import * as matmul from "./matmul.ts";
import * as maxPool from "./maxPool.ts";
import * as netLoop from "./netLoop.ts";
import * as pad from "./pad.ts";
import * as random from "./random.ts";
import * as gru from "./recurrent/gru.ts";
import * as lstm from "./recurrent/lstm.ts";
import * as rnn from "./recurrent/rnn.ts";
import * as reduce from "./reduce.ts";
import * as reverseSequence from "./reverseSequence.ts";
import * as softmax from "./softmax.ts";
import * as source from "./source.ts";
import * as unary from "./unary.ts";
import * as view from "./view.ts";

export const ops = {
  ...source,
  ...unary,
  ...activation,
  ...binary,
  ...view,
  ...pad,
  ...concat,
  ...gather,
  ...random,
  ...reduce,
  ...matmul,
  ...softmax,
  ...conv,
  ...maxPool,
  ...avgPool,
  ...detach,
  ...netLoop,
  ...reverseSequence,
  ...rnn,
  ...lstm,
  ...gru,
};

export type OpName = keyof typeof ops;
