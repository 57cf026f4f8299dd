// The nets of mnist-golden: their logits, training in one program with carried weights that runs all steps at once, and testing.
import { grad } from "../../autodiff/backward.ts";
import type { Device, DeviceArray } from "../../device.ts";
import { channelsFirst, dense, filter } from "../../onnx/layout.ts";
import { type NdArray, ndarray } from "../../shape/ndarray.ts";
import { f32, i32, type TensorType } from "../../shape/types.ts";
import { full, iota, type Tensor } from "../../tensor.ts";

/** In the order of the layers. */
interface Weights {
  readonly weights: readonly Tensor[];
  readonly biases: readonly Tensor[];
}

export interface Net {
  /** Images [N,28,28,1] → logits. */
  readonly logits: (w: Weights, x: Tensor) => Tensor;
  /** Relative error of the loss that is tolerated at a step. */
  readonly lossTolerance: (step: number) => number;
  readonly correctTolerance: number;
}

/** Two valid convolutions with activation and pooling, and a dense layer over the C,H,W order. */
const convolutional =
  (layer: (z: Tensor) => Tensor): Net["logits"] =>
  ({ weights: [conv0, conv1, fc], biases: [b0, b1, b2] }, x) => {
    const conv = (h: Tensor, w: Tensor, b: Tensor) => layer(h.conv2d(filter(w)).add(b));
    return dense(flatten(channelsFirst(conv(conv(x, conv0!, b0!), conv1!, b1!))), fc!, b2);
  };

const flatten = (x: Tensor): Tensor => x.reshape([x.shape[0]!, x.shape.slice(1).reduce((n, d) => n * d, 1)]);

export const nets: Readonly<Record<string, Net>> = {
  mlp: {
    logits: ({ weights: [w0, w1], biases: [b0, b1] }, x) => dense(dense(flatten(x), w0!, b0).relu(), w1!, b1),
    lossTolerance: () => 1e-5,
    correctTolerance: 2,
  },
  cnn: {
    logits: convolutional((z) => z.relu().maxPool2d(2)),
    lossTolerance: (step) => (step < 80 ? 1e-4 : 1e-2),
    correctTolerance: 20,
  },
  cnn_smooth: {
    logits: convolutional((z) => z.tanh().avgPool2d(2)),
    lossTolerance: () => 1e-5,
    correctTolerance: 2,
  },
};

export interface Task {
  readonly examples: number;
  readonly batch: number;
  readonly steps: number;
  /** Of plain SGD. */
  readonly rate: number;
}

export interface Images {
  /** u8[N,28,28] */
  readonly images: NdArray;
  /** u8[N] */
  readonly labels: NdArray;
}

const typeOf = ({ dtype, shape }: TensorType): TensorType => ({ dtype, shape });

/** The logits of the images of these rows. Weights have rank 2 or more, biases 1. */
function logitsOf(net: Net, w: readonly Tensor[], images: Tensor, rows: Tensor): Tensor {
  const x = images.gather(rows).cast("f32").div(255).unsqueeze(3);
  return net.logits({ weights: w.filter((t) => t.rank > 1), biases: w.filter((t) => t.rank === 1) }, x);
}

/** Trains on the batches in file order; gives the loss before each step, the gradients of the first, and the weights at the end. */
export async function trainNet(device: Device, net: Net, initial: readonly NdArray[], data: Images, task: Task) {
  const types = {
    w: initial.map(typeOf),
    losses: f32(task.steps),
    first: initial.map(typeOf),
    step: i32(),
    images: typeOf(data.images),
    labels: typeOf(data.labels),
  };
  const program = await device.compile(
    ({ w, losses, first, step, images, labels }) => {
      const rows = iota(i32(task.batch)).add(step.mul(task.batch)).rem(task.examples);
      const loss = logitsOf(net, w, images, rows).softmaxCrossEntropy(labels.gather(rows).cast("i32"));
      const gradients = grad(loss, w);
      return {
        w: w.map((t, i) => t.sub(gradients[i]!.mul(task.rate))),
        losses: loss.broadcastTo([task.steps]).where(iota(i32(task.steps)).equal(step), losses),
        first: gradients.map((g, i) => g.where(step.equal(0), first[i]!)),
        step: step.add(1),
      };
    },
    types,
    { carry: ["w", "losses", "first", "step"] },
  );
  const zeros = (type: TensorType): NdArray => ndarray(type, () => 0);
  const arrays = device.put({
    w: initial as NdArray[],
    losses: zeros(types.losses),
    first: types.first.map(zeros),
    step: zeros(types.step),
    images: data.images,
    labels: data.labels,
  });
  program.run(arrays, { repeat: task.steps });
  const read = (list: readonly DeviceArray[]) => Promise.all(list.map((array) => array.read()));
  const result = {
    losses: await arrays.losses.read(),
    gradients: await read(arrays.first),
    weights: await read(arrays.w),
  };
  program.dispose();
  return result;
}

const testBatch = 500;

/** How many of the images have their largest logit at their label. */
export async function countRight(device: Device, net: Net, weights: readonly NdArray[], data: Images): Promise<number> {
  const count = data.labels.data.length;
  const program = await device.compile(
    ({ w, right, from, images, labels }) => {
      const rows = iota(i32(testBatch)).add(from);
      const within = rows.minimum(count - 1);
      const guess = logitsOf(net, w, images, within).argmax(-1);
      const hit = guess.equal(labels.gather(within).cast("i32")).and(rows.less(count));
      return { right: right.add(full(i32(testBatch), 1).where(hit, 0).sum()), from: from.add(testBatch) };
    },
    { w: weights.map(typeOf), right: i32(), from: i32(), images: typeOf(data.images), labels: typeOf(data.labels) },
    { carry: ["right", "from"] },
  );
  const zero = ndarray(i32(), [0]);
  const arrays = device.put({
    w: weights as NdArray[],
    right: zero,
    from: zero,
    images: data.images,
    labels: data.labels,
  });
  program.run(arrays, { repeat: Math.ceil(count / testBatch) });
  const { data: right } = await arrays.right.read();
  program.dispose();
  return right[0]!;
}
