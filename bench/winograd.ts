// Winograd's F(2×2, 3×3) as a composition (Lavin and Gray, https://arxiv.org/abs/1509.09308): 16 products for 36 multiplications, but each value
// is moved several times. It is here to be timed beside the direct kernel; the library has none.
import { stack, type Tensor } from "../src/tensor.ts";

type Quadruple = [Tensor, Tensor, Tensor, Tensor];
type Triple = [Tensor, Tensor, Tensor];

const four = <T>(f: (i: number) => T) => [0, 1, 2, 3].map(f);
const three = <T>(f: (i: number) => T) => [0, 1, 2].map(f);

/** Bᵀ, G and Aᵀ, applied to a column. */
const ofInput = ([a, b, c, d]: Quadruple): Tensor[] => [a.sub(c), b.add(c), c.sub(b), b.sub(d)];
const ofFilter = ([a, b, c]: Triple): Tensor[] => [a, a.add(b).add(c).mul(0.5), a.sub(b).add(c).mul(0.5), c];
const ofProduct = ([a, b, c, d]: Quadruple): Tensor[] => [a.add(b).add(c), b.sub(c).sub(d)];

/** x [N, H, W, C], w [3, 3, C, K], no padding → [N, H−2, W−2, K], both sizes even. */
export function winograd(x: Tensor, w: Tensor): Tensor {
  const [N, H, W, C] = x.shape as [number, number, number, number];
  const K = w.shape[3] as number;
  const [rows, columns] = [H / 2 - 1, W / 2 - 1];
  const patch = (i: number, j: number) =>
    x.slice([0, i, j, 0], [N, i + 2 * rows - 1, j + 2 * columns - 1, C], [1, 2, 2, 1]).reshape([N * rows * columns, C]);
  const tap = (i: number, j: number) => w.slice([i, j, 0, 0], [i + 1, j + 1, C, K]).reshape([C, K]);
  const byColumn = four((j) => ofInput(four((i) => patch(i, j)) as Quadruple));
  const inputs = four((i) => ofInput(four((j) => byColumn[j]![i]!) as Quadruple)).flat();
  const filterByColumn = three((j) => ofFilter(three((i) => tap(i, j)) as Triple));
  const filters = four((i) => ofFilter(three((j) => filterByColumn[j]![i]!) as Triple)).flat();
  const products = stack(inputs, 0).matmul(stack(filters, 0));
  const product = (i: number, j: number) =>
    products.slice([4 * i + j, 0, 0], [4 * i + j + 1, N * rows * columns, K]).reshape([N, rows, columns, K]);
  const outByColumn = four((j) => ofProduct(four((i) => product(i, j)) as Quadruple));
  const out = [0, 1].map((i) => stack(ofProduct(four((j) => outByColumn[j]![i]!) as Quadruple), 3));
  return stack(out, 2).reshape([N, 2 * rows, 2 * columns, K]);
}
