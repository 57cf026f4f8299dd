// The page's side of a TrainerHost in a worker: its methods, each of which returns a promise; callbacks are called in the page, and errors
// are of wgrad's classes.
import { type Endpoint, proxy, releaseProxy, wrap } from "comlink";
import * as errors from "../shape/errors.ts";
import type { TrainerHost } from "./host.ts";

/** A method of a host. */
type Method = (...args: never[]) => unknown;

/** The methods of a host as the page calls them. */
export type Connected<Host> = {
  readonly [K in keyof Host as Host[K] extends Method ? K : never]: Host[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** The trainer that a worker hosts, or whoever is at the other end of a port. `dispose` also ends the worker. Arguments are copied; arrays
 *  among the results are handed over. */
export function connectTrainer<Host extends TrainerHost<never>>(worker: Worker | MessagePort): Connected<Host> {
  const remote = wrap<Record<string, (...args: unknown[]) => unknown>>(worker as Endpoint);
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    try {
      return await remote[name]?.(...args.map((a) => (typeof a === "function" ? proxy(a) : a)));
    } catch (error) {
      throw typed(error);
    }
  };
  const methods = {
    dispose: async () => {
      await call("dispose", []);
      remote[releaseProxy]();
      if ("terminate" in worker) worker.terminate();
    },
  };
  return new Proxy(methods as unknown as Connected<Host>, {
    get: (own, name) =>
      name in own || typeof name !== "string" || name === "then" // not a promise itself
        ? Reflect.get(own, name)
        : (...args: unknown[]) => call(name, args),
  });
}

/** An error that came from the worker, which has kept its name but not its class. */
function typed(error: unknown): unknown {
  const known = error instanceof Error && (errors as Record<string, { readonly prototype: Error }>)[error.name];
  return known ? Object.setPrototypeOf(error, known.prototype) : error;
}
