// onnx-node: ONNX's backend node tests, forward only (format "onnx-node/1").

import { Attributes } from "../../onnx/attributes.ts";
import { builders as graphBuilders } from "../../onnx/builders/index.ts";
import { type Builder, Operator } from "../../onnx/operator.ts";
import { DTypeError, UnsupportedError } from "../../shape/errors.ts";
import type { Tensor } from "../../tensor.ts";
import { type Case, CaseError, decodeAll, isObject, type Json, namesOf, requireElements } from "./case.ts";
import type { Tolerance } from "./compare.ts";
import { runJob } from "./job.ts";
import { dropout } from "./onnx/dropout.ts";
import { optimization } from "./onnx/optimizers.ts";

const builders: Readonly<Record<string, Builder>> = { ...graphBuilders, ...optimization, Dropout: dropout };

export function onnxNode(json: Json, name: string, op: string, file: Json): Case {
  return {
    name,
    op,
    async run({ device }) {
      const builder = Object.hasOwn(builders, op) ? builders[op] : undefined;
      if (!builder) throw new UnsupportedError(`op ${op}`);
      const [inputs, outputs] = [decodeAll(json, "inputs"), decodeAll(json, "outputs")];
      requireElements(outputs);
      const [parameters, results] = [namesOf(json, "node_inputs"), namesOf(json, "node_outputs")];
      const attributes = new Attributes((json.attrs ?? {}) as Json);
      const uploaded = inputs.filter(({ array }) => array.data.length > 0);
      const build = (given: readonly Tensor[]): Map<string, Tensor> => {
        const byName = new Map(
          inputs.map(({ name, array }) => [
            name,
            { value: array, tensor: given[uploaded.findIndex((i) => i.name === name)] },
          ]),
        );
        const list = parameters.map((name) => {
          if (name !== "" && !byName.has(name)) throw new CaseError(`input ${name} is missing`);
          return byName.get(name);
        });
        const operator = new Operator({
          ...{ arguments: list, attributes, outputs: results },
          opset: Number(json.opset ?? 0),
        });
        const built = builder(operator);
        return new Map(results.flatMap((name, k) => (built[k] && name !== "" ? [[name, built[k]] as const] : [])));
      };
      const tolerance = toleranceOf(json, file);
      const wanted = outputs.map(({ name, array }) => ({ what: name, array, tolerance }));
      try {
        return await runJob(device, { inputs: uploaded.map(({ array }) => array), build, wanted });
      } catch (error) {
        const plain = inputs.every(({ array }) => array.dtype === "f32");
        throw error instanceof DTypeError && !plain ? new UnsupportedError(error.message) : error;
      }
    },
  };
}

/** That of the case or the file, with atol at least 1e-6: wanted values near 0 were computed in float32 too. */
function toleranceOf(json: Json, file: Json): Tolerance {
  const shared = isObject(file.tolerance) ? file.tolerance : {};
  const number = (field: string, otherwise: number) => Number(json[field] ?? shared[field] ?? otherwise);
  return { rtol: number("rtol", 1e-3), atol: Math.max(number("atol", 1e-7), 1e-6) };
}
