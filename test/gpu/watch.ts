// A GPUDevice that counts what is asked of it, and can be told to fail. It wraps a real one, which does the work.

export interface Watched {
  readonly gpu: GPUDevice;
  /** How often each method of the device and its queue was called since the last `reset`. */
  readonly calls: Map<string, number>;
  /** Buffers that were created and are not destroyed. */
  readonly alive: Set<GPUBuffer>;
  reset(): void;
  /** The next k-th call of a method (1 is the next) fails as `failure` says. */
  failAt(method: string, k: number, failure: () => unknown): void;
}

export function watch(device: GPUDevice): Watched {
  const calls = new Map<string, number>();
  const alive = new Set<GPUBuffer>();
  const failures = new Map<string, { left: number; failure: () => unknown }>();

  const observed =
    (name: string, method: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      const planned = failures.get(name);
      if (planned && --planned.left === 0) {
        failures.delete(name);
        return planned.failure();
      }
      const made = method(...args);
      if (name === "createBuffer") track(made as GPUBuffer);
      return made;
    };
  const track = (buffer: GPUBuffer) => {
    alive.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
  };

  /** The object with its methods counted. They run on the object itself: native ones know no proxy. */
  const wrap = <T extends object>(target: T, also: Partial<T> = {}): T => {
    const methods = new Map<string | symbol, unknown>();
    return new Proxy(target, {
      get(_, key) {
        if (key in also) return also[key as keyof T];
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        if (!methods.has(key)) methods.set(key, observed(String(key), value.bind(target)));
        return methods.get(key);
      },
      set: (_, key, value) => Reflect.set(target, key, value, target),
    });
  };

  return {
    gpu: wrap(device, { queue: wrap(device.queue) } as Partial<GPUDevice>),
    calls,
    alive,
    reset: () => calls.clear(),
    failAt: (method, k, failure) => void failures.set(method, { left: k, failure }),
  };
}
