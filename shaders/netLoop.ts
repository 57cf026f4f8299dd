// Many steps of stochastic gradient descent on a small net of sigmoids, by one invocation: parameters and activations live in registers.
import { float, wgsl } from "./wgsl.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const each = (n: number, f: (i: number) => string): string => range(n).map(f).join("\n");

export interface NetLoop {
  /** Neurons of each layer, inputs first. */
  readonly sizes: readonly number[];
  /** Rows of the data. */
  readonly rows: number;
  readonly steps: number;
  readonly rate: number;
}

interface Names {
  readonly params: string;
  readonly data: string;
  readonly step: string;
  readonly key: string;
  readonly out: string;
}

/** Parameters lie layer by layer: weights [in, out], biases [out]. */
export function netLoop({ sizes, rows, steps, rate }: NetLoop, n: Names): string {
  const eta = float(rate);
  const last = sizes.length - 1;
  let count = 0;
  const layers = sizes.slice(1).map((out, l) => {
    const inputs = sizes[l] as number;
    const start = count;
    count += (inputs + 1) * out;
    return {
      l,
      inputs,
      out,
      w: (i: number, j: number) => `p${start + i * out + j}`,
      b: (j: number) => `p${start + inputs * out + j}`,
    };
  });
  const width = (sizes[0] as number) + (sizes[last] as number);
  const forward = layers.map(({ l, inputs, out, w, b }) =>
    each(
      out,
      (j) =>
        `let a${l + 1}_${j} = sigmoid(${[b(j), ...range(inputs).map((i) => `a${l}_${i} * ${w(i, j)}`)].join(" + ")});`,
    ),
  );
  const slope = (l: number, j: number) => `a${l}_${j} * (1.0f - a${l}_${j})`;
  const top = each(sizes[last] as number, (j) => `let d${last}_${j} = (a${last}_${j} - y${j}) * ${slope(last, j)};`);
  const back = layers.slice(1).map(({ l, inputs, out, w }) =>
    each(
      inputs,
      (i) =>
        `let d${l}_${i} = (${range(out)
          .map((j) => `${w(i, j)} * d${l + 1}_${j}`)
          .join(" + ")}) * ${slope(l, i)};`,
    ),
  );
  const update = layers.map(({ l, inputs, out, w, b }) =>
    each(
      out,
      (j) =>
        `${b(j)} -= ${eta} * d${l + 1}_${j};\n${each(inputs, (i) => `${w(i, j)} -= ${eta} * d${l + 1}_${j} * a${l}_${i};`)}`,
    ),
  );
  return wgsl`${each(count, (k) => `var p${k} = ${n.params}[${k}];`)}
for (var k = 0u; k < ${steps}u; k++) {
let row = threefry(vec2u(${n.key}[0], ${n.key}[1]), vec2u(${n.step}[0] + k, 0u)).x % ${rows}u * ${width}u;
${each(sizes[0] as number, (i) => `let a0_${i} = ${n.data}[row + ${i}u];`)}
${each(sizes[last] as number, (j) => `let y${j} = ${n.data}[row + ${(sizes[0] as number) + j}u];`)}
${forward.join("\n")}
${top}
${back.reverse().join("\n")}
${update.join("\n")}
}
${each(count, (k) => `${n.out}[${k}] = p${k};`)}`;
}
