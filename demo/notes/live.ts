// A live program: it runs again whenever an input changes, one run at a time, and shows what it gives.
import { type Device, type DeviceArray, f32, type NdArray, ndarray, type Tensor } from "wgrad";
import { errorBanner } from "../common/banner.ts";

type Values = Readonly<Record<string, NdArray>>;
type Tensors<V> = { readonly [K in keyof V]: Tensor };
type Numbers<O> = { readonly [K in keyof O]: readonly number[] };

/** A float array of these numbers, row by row. */
export const array = (shape: readonly number[], values: ArrayLike<number> | ((i: number) => number)): NdArray =>
  ndarray(f32(...shape), values);

interface Compiled {
  readonly program: { run(inputs: unknown): Record<string, DeviceArray>; dispose(): void };
  readonly arrays: Readonly<Record<string, DeviceArray>>;
}

export class Live<V extends Values, O extends Record<string, Tensor>> {
  readonly #device: Device;
  readonly #f: (inputs: Tensors<V>) => O;
  readonly #show: (outputs: Numbers<O>, values: V) => void;
  #values: V;
  #compiled: Compiled | undefined;
  /** What is to be done: nothing, a run, or a compilation and a run. */
  #wanted: "nothing" | "run" | "compile" = "nothing";
  #running: Promise<void> | undefined;

  /** Of `f`, which may depend on more than its inputs: then `start` it anew. */
  constructor(device: Device, f: (inputs: Tensors<V>) => O, values: V, show: (outputs: Numbers<O>, values: V) => void) {
    this.#device = device;
    this.#f = f;
    this.#values = values;
    this.#show = show;
  }

  get values(): V {
    return this.#values;
  }

  /** Compiles the function for these inputs, runs it and shows the result. */
  start(values: V = this.#values): Promise<void> {
    this.#values = values;
    return this.#ask("compile");
  }

  /** Changes inputs and runs again. */
  set(changes: Partial<V>): void {
    this.#values = { ...this.#values, ...changes };
    this.#ask(this.#wanted === "compile" ? "compile" : "run").catch(errorBanner);
  }

  #ask(what: "run" | "compile"): Promise<void> {
    this.#wanted = what;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Does what is wanted until nothing is. */
  async #work(): Promise<void> {
    while (this.#wanted !== "nothing") {
      const anew = this.#wanted === "compile";
      this.#wanted = "nothing";
      const values = this.#values;
      if (anew) await this.#compile(values);
      const { program, arrays } = this.#compiled as Compiled;
      for (const [name, value] of Object.entries(values)) arrays[name]?.write(value);
      const outputs = Object.entries(program.run(arrays));
      const read = await Promise.all(outputs.map(async ([name, a]) => [name, [...(await a.read()).data]] as const));
      if ((this.#wanted as string) !== "compile") this.#show(Object.fromEntries(read) as unknown as Numbers<O>, values);
    }
  }

  async #compile(values: V): Promise<void> {
    this.#compiled?.program.dispose();
    for (const a of Object.values(this.#compiled?.arrays ?? {})) a.dispose();
    const types = Object.fromEntries(
      Object.entries(values).map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
    );
    const program = await this.#device.compile((inputs) => this.#f(inputs as Tensors<V>), types);
    this.#compiled = { program: program as unknown as Compiled["program"], arrays: this.#device.put(values) };
  }
}
