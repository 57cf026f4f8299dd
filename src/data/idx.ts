// The IDX format of MNIST and kin: two zero bytes, a type byte, the number of dimensions, the sizes (u32, big-endian), the values (big-endian).
// http://yann.lecun.com/exdb/mnist/ Files may be gzipped.
import { ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";

const byteTypes: Record<number, string> = { 9: "i8", 11: "i16", 12: "i32", 13: "f32", 14: "f64" };

/** An IDX file of unsigned bytes (type 8) as u8[sizes], without copying. `name` is for messages. Throws ValueError on another magic number
 *  or type, sizes that overflow, and a file that is shorter or longer than its header says. */
export function parseIdx(bytes: Uint8Array, name = "file"): NdArray {
  const fail = (what: string): never => {
    throw new ValueError(`idx: ${name}: ${what}; get the file again`);
  };
  if (bytes.length < 4) fail(`${bytes.length} bytes hold no header (${bytes.length} vs ≥ 4)`);
  const [zero0, zero1, type, rank] = bytes as unknown as [number, number, number, number];
  if (zero0 !== 0 || zero1 !== 0) {
    const magic = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    fail(`no IDX file, it starts with ${magic} (vs 00 00 08 …)`);
  }
  if (type !== 8) fail(`holds ${byteTypes[type] ?? `type ${type}`} values (type ${type} vs 8, unsigned bytes)`);
  if (rank < 1 || rank > 8) fail(`has ${rank} dimensions (vs 1 … 8)`);
  const header = 4 + 4 * rank;
  if (bytes.length < header) fail(`is truncated in its header (${bytes.length} vs ≥ ${header} bytes)`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, header);
  const shape = Array.from({ length: rank }, (_, d) => view.getUint32(4 + 4 * d));
  const length = shape.reduce((n, d) => n * d, 1);
  if (!Number.isSafeInteger(length)) fail(`sizes [${shape}] are impossible`);
  if (bytes.length !== header + length)
    fail(
      `is ${bytes.length < header + length ? "truncated" : "too long"} for sizes [${shape}] (${bytes.length} vs ${header + length} bytes)`,
    );
  return { dtype: "u8", shape, data: bytes.subarray(header) };
}

/** The bytes, unpacked if they are gzipped. Throws ValueError if they cannot be. */
export async function gunzip(bytes: Uint8Array, name = "file"): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (error) {
    throw new ValueError(`idx: ${name}: is gzipped and does not unpack; get the file again`, { cause: error });
  }
}
