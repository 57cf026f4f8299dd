// The attributes of an operator (or of a case of the conformance runner), read by kind. One that is null or absent takes the default;
// without a default it must be there.
import { FormatError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";

type Values = { readonly [name: string]: unknown };

export class Attributes {
  readonly #values: Values;

  constructor(values: Values) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }
  number(name: string, otherwise?: number): number {
    return this.#read(name, "a number", otherwise, (x) => typeof x === "number");
  }
  /** True, or a number other than 0. */
  flag(name: string, otherwise = false): boolean {
    return Boolean(
      this.#read<boolean | number>(name, "a flag", otherwise, (x) => ["boolean", "number"].includes(typeof x)),
    );
  }
  text(name: string, otherwise?: string): string {
    return this.#read(name, "a text", otherwise, (x) => typeof x === "string");
  }
  numbers(name: string, otherwise?: readonly number[]): readonly number[] {
    const isList = (x: unknown) => Array.isArray(x) && x.every((v) => typeof v === "number");
    return this.#read(name, "a list of numbers", otherwise, isList);
  }
  texts(name: string, otherwise?: readonly string[]): readonly string[] {
    const isList = (x: unknown) => Array.isArray(x) && x.every((v) => typeof v === "string");
    return this.#read(name, "a list of texts", otherwise, isList);
  }
  array(name: string): NdArray {
    return this.#read<NdArray>(name, "a tensor", undefined, (x) => typeof x === "object" && x !== null && "data" in x);
  }
  attributes(name: string): Attributes {
    return new Attributes(this.#read<Values>(name, "an object", {}, (x) => typeof x === "object"));
  }

  #read<T>(name: string, kind: string, otherwise: T | undefined, fits: (x: unknown) => boolean): T {
    const value = this.#values[name];
    if (value === undefined || value === null) {
      if (otherwise === undefined) throw new FormatError(`attribute ${name} is missing`);
      return otherwise;
    }
    if (!fits(value)) throw new FormatError(`attribute ${name} must be ${kind}, got ${JSON.stringify(value)}`);
    return value as T;
  }
}
