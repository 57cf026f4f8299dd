// The library as its user sees it: one import, one page of code.
import { expect, test } from "vitest";
import {
  ArrayError,
  Device,
  f32,
  grad,
  i32,
  mnist,
  ndarray,
  nn,
  optim,
  ShapeError,
  type Tensor,
  Trainer,
  ValueError,
} from "wgrad";

/** IDX files of n images of 28×28 and their labels; a label is a bright row. */
function files(n: number): (name: string) => Promise<Uint8Array> {
  return async (name) => {
    const images = name.includes("images");
    const header = new DataView(new ArrayBuffer(images ? 16 : 8));
    [0x800 + (images ? 3 : 1), n, ...(images ? [28, 28] : [])].forEach((x, i) => {
      header.setUint32(4 * i, x);
    });
    const body = Array.from({ length: images ? n * 784 : n }, (_, i) =>
      images ? 200 * Number(Math.floor((i % 784) / 28) === 2 * (Math.floor(i / 784) % 10)) : i % 10,
    );
    return Uint8Array.from([...new Uint8Array(header.buffer), ...body]);
  };
}

test("a CNN trains and is evaluated", async () => {
  await using device = Device.cpu();
  const model = nn.sequential(
    ...[nn.conv2d({ filters: 2, kernel: 3, activation: "relu" }), nn.maxPool2d(2)],
    ...[nn.conv2d({ filters: 4, kernel: 3, activation: "relu" }), nn.maxPool2d(2)],
    ...[nn.flatten(), nn.dense({ units: 10 })],
  );
  const { train, test: unseen } = await mnist({ read: files(40) });
  const trainer = await Trainer.create({
    ...{ device, model, data: train, batchSize: 8, seed: 1 },
    loss: nn.softmaxCrossEntropy,
    optimizer: optim.adam({ learningRate: 0.02 }),
  });
  const losses: number[] = [];
  for await (const { loss } of trainer.fit({ epochs: 3, reportEvery: 5 })) losses.push(loss);
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0] as number);
  expect((await trainer.evaluate(unseen)).accuracy).toBeGreaterThan(0.3);
});

test("a function is compiled, differentiated and run", async () => {
  const device = Device.cpu();
  const program = await device.compile(
    ({ x, w }: Record<"x" | "w", Tensor>) => {
      const loss = x.matmul(w).square().sum();
      return { loss, slope: grad(loss, [w])[0] as Tensor };
    },
    { x: f32(1, 2), w: f32(2, 1) },
  );
  const { loss, slope } = program.run(device.put({ x: ndarray(f32(1, 2), [1, 2]), w: ndarray(f32(2, 1), [3, 4]) }));
  expect([...(await loss.read()).data]).toEqual([121]);
  expect([...(await slope.read()).data]).toEqual([22, 44]);
});

test("errors are classes to tell apart", async () => {
  expect(() => optim.adam({ learningRate: Number.NaN })).toThrow(ValueError);
  await expect(Device.request({ gpu: { requestAdapter: async () => null } as never })).rejects.toThrow("Device.cpu()");
});

test("an array that is missing, on the host, disposed, of another device, shape or dtype is refused by name", async () => {
  const device = Device.cpu();
  const types = { x: f32(2) };
  const program = await device.compile(({ x }: { x: Tensor }) => ({ y: x.mul(2) }), types, { label: "double" });
  const two = ndarray(f32(2), [1, 2]);
  const run = (x: unknown) => () => program.run({ x } as never);
  const disposed = device.put(two);
  disposed.dispose();
  expect(run(undefined)).toThrow("double: input x is missing; give an array of f32[2]");
  expect(run(two)).toThrow("double: input x lives on no device; put it on CPU reference (float64)");
  expect(run(Device.cpu().put(two))).toThrow("double: input x lives on another device; put it on this one");
  expect(run(disposed)).toThrow(ArrayError);
  expect(run(device.put(ndarray(f32(3), [1, 2, 3])))).toThrow(ShapeError);
  expect(run(device.put(ndarray(i32(2), [1, 2])))).toThrow("input x is i32[2], compiled for f32[2]");
  expect([...(await program.run({ x: device.put(two) }).y.read()).data]).toEqual([2, 4]);
});
