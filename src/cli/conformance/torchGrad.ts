// torch-grad: forward values and gradients from PyTorch, computed in float64 (format "torch-grad/1"). One program a case gives the
// outputs, and the gradients of Σ ⟨output, cotangent⟩ or, where there are no cotangents, of the output `loss`.

import { grad, vjp } from "../../autodiff/backward.ts";
import { Attributes } from "../../onnx/attributes.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import type { Tensor } from "../../tensor.ts";
import { type Case, CaseError, decodeAll, type Json, type Named, requireElements } from "./case.ts";
import type { Tolerance, Wanted } from "./compare.ts";
import { runJob } from "./job.ts";
import { type Builder, Inputs, type Outputs } from "./torch/common.ts";
import { elementwise } from "./torch/elementwise.ts";
import { layers } from "./torch/layers.ts";
import { losses } from "./torch/losses.ts";
import { networks } from "./torch/networks.ts";
import { optimization } from "./torch/optimizers.ts";
import { recurrent } from "./torch/recurrent.ts";

const builders: Readonly<Record<string, Builder>> = {
  ...elementwise,
  ...layers,
  ...losses,
  ...networks,
  ...recurrent,
  ...optimization,
};

const defaultTolerance = { rtol: 1e-4, atol: 1e-5, l2: 1e-5 };

export function torchGrad(json: Json, name: string, op: string): Case {
  return {
    name,
    op,
    async run({ device }) {
      const builder = Object.hasOwn(builders, op) ? builders[op] : undefined;
      if (!builder) throw new UnsupportedError(`op ${op}`);
      const [inputs, outputs, cotangents, grads] = ["inputs", "outputs", "cotangents", "grads"].map((field) =>
        decodeAll(json, field),
      ) as [Named[], Named[], Named[], Named[]];
      requireElements([...inputs, ...outputs]);
      const attributes = new Attributes((json.attrs ?? {}) as Json);
      const build = (given: readonly Tensor[]): Map<string, Tensor> => {
        const named = new Map(inputs.map(({ name }, i) => [name, given[i]!]));
        const upstream = new Map(cotangents.map(({ name }, i) => [name, given[inputs.length + i]!]));
        const built = builder(new Inputs(named), attributes);
        return withGradients(
          built,
          named,
          upstream,
          grads.map(({ name }) => name),
        );
      };
      return runJob(device, {
        inputs: [...inputs, ...cotangents].map(({ array }) => array),
        build,
        wanted: wantedOf(json, outputs, grads),
      });
    },
  };
}

/** The outputs and, as `grad <input>`, the gradients that the case wants and the builder did not give itself. */
function withGradients(
  outputs: Outputs,
  inputs: ReadonlyMap<string, Tensor>,
  cotangents: ReadonlyMap<string, Tensor>,
  wanted: readonly string[],
): Map<string, Tensor> {
  const all = new Map(Object.entries(outputs));
  const missing = wanted.filter((name) => !all.has(`grad ${name}`));
  if (missing.length === 0) return all;
  const find = (map: ReadonlyMap<string, Tensor>, name: string): Tensor => {
    const t = map.get(name);
    if (!t) throw new CaseError(`there is no ${name} to differentiate`);
    return t;
  };
  const wrt = missing.map((name) => find(inputs, name));
  const gradients =
    cotangents.size > 0
      ? vjp(
          [...cotangents.keys()].map((name) => find(all, name)),
          [...cotangents.values()],
          wrt,
        )
      : grad(find(all, "loss"), wrt);
  missing.forEach((name, i) => void all.set(`grad ${name}`, gradients[i]!));
  return all;
}

function wantedOf(json: Json, outputs: readonly Named[], grads: readonly Named[]): Wanted[] {
  const { extra, tolerance } = json as { extra?: Json; tolerance?: { note?: unknown } };
  const state = extra ? decodeAll(extra, "state_after") : [];
  const note = String(tolerance?.note ?? "");
  const own = ownTolerance(note);
  const only = /gradient wrt (\w+)/.exec(note)?.[1];
  const want = (what: string, { array }: Named, mine: boolean): Wanted => ({
    what,
    array,
    tolerance: mine ? own : defaultTolerance,
  });
  return [
    ...outputs.map((o) => want(o.name, o, !only)),
    ...grads.map((g) => want(`grad ${g.name}`, g, !only || g.name === only)),
    ...state.map((s) => want(`state_after ${s.name}`, s, !only)),
  ];
}

/** A note may say "rtol 1e-3, atol 1e-4"; the tolerance of the whole tensor widens with rtol. */
function ownTolerance(note: string): Tolerance {
  const find = (name: string) => new RegExp(`${name} ([\\d.]+(?:e-?\\d+)?)`).exec(note)?.[1];
  const rtol = Number(find("rtol") ?? defaultTolerance.rtol);
  const atol = Number(find("atol") ?? defaultTolerance.atol);
  return { rtol, atol, l2: defaultTolerance.l2 * Math.max(1, rtol / defaultTolerance.rtol) };
}
