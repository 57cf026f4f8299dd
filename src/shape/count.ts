import { ValueError, type WgradError } from "./errors.ts";

/** A count that the caller gives. Throws ValueError, or `Failure`, unless it is a positive integer. */
export function requireCount(
  op: string,
  what: string,
  n: number,
  Failure: new (message: string) => WgradError = ValueError,
): void {
  if (!Number.isInteger(n) || n < 1)
    throw new Failure(`${op}: ${what} must be a positive integer, got ${n}; correct it`);
}
