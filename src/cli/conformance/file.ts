// A file of cases: JSON, gzipped or not, in one of three formats. Works in Node and in a page.
import { type Case, CaseError, FileError, isObject, type Json, listOf } from "./case.ts";
import { mnistGolden } from "./mnistGolden.ts";
import { onnxNode } from "./onnxNode.ts";
import { torchGrad } from "./torchGrad.ts";

type Format = (file: Json) => Case[];

const formats: Readonly<Record<string, Format>> = {
  "torch-grad/1": (file) => eachCase(file, torchGrad),
  "onnx-node/1": (file) => eachCase(file, (json, name, op) => onnxNode(json, name, op, file)),
  "mnist-golden/1": mnistGolden,
};

/** The cases of a file. Throws FileError if it is damaged or of no known format. */
export async function readCases(bytes: Uint8Array): Promise<Case[]> {
  const file = parse(await unzip(bytes));
  const format = isObject(file) ? file.format : undefined;
  if (typeof format !== "string" || !Object.hasOwn(formats, format))
    throw new FileError(`format ${JSON.stringify(format)} is not one of ${Object.keys(formats).join(", ")}`);
  try {
    return formats[format]!(file as Json);
  } catch (error) {
    throw error instanceof CaseError ? new FileError(error.message) : error;
  }
}

/** A case that has no name or op still is one, which fails. */
function eachCase(file: Json, caseOf: (json: Json, name: string, op: string) => Case): Case[] {
  if (file.cases === undefined) throw new FileError("there is no list of cases");
  return listOf(file, "cases").map((json, i) => {
    const { name = `case ${i}`, op = "?" } = isObject(json) ? json : {};
    if (isObject(json) && typeof json.name === "string" && typeof json.op === "string")
      return caseOf(json, json.name, json.op);
    const run = () => Promise.reject(new CaseError("a case must be an object with a name and an op"));
    return { name: String(name), op: String(op), run };
  });
}

async function unzip(bytes: Uint8Array): Promise<string> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return new TextDecoder().decode(bytes);
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return await new Response(stream).text();
  } catch (error) {
    throw new FileError(`the gzip data is damaged or cut off (${messageOf(error)})`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FileError(`it is not JSON (${messageOf(error)})`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
