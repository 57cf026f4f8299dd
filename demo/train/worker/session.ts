// A session: the trainer of one setup and the programs that look into it, made when first asked for and freed with it.
import { type Device, type DeviceArray, type NdArray, Trainer, type Tree } from "wgrad";
import type { Hosted } from "wgrad/worker";
import type { Setup } from "../tasks.ts";
import type { Made } from "./models.ts";
import { typesOf } from "./programs.ts";

interface Disposable {
  dispose(): void;
}

export class Session implements Hosted {
  readonly setup: Setup;
  readonly made: Made;
  readonly trainer: Trainer;
  readonly #looks = new Map<unknown, Promise<Disposable>>();

  private constructor(setup: Setup, made: Made, trainer: Trainer) {
    this.setup = setup;
    this.made = made;
    this.trainer = trainer;
  }

  static async create(device: Device, setup: Setup, made: Made, params?: Tree<NdArray>): Promise<Session> {
    const { batch: batchSize, seed } = setup;
    const start = params ? { params } : {};
    return new Session(setup, made, await Trainer.create({ ...made.settings, ...start, device, batchSize, seed }));
  }

  get device(): Device {
    return this.trainer.device;
  }

  /** What `make` makes of this session, made once. */
  look<T extends Disposable>(make: (session: Session) => Promise<T>): Promise<T> {
    let look = this.#looks.get(make);
    if (!look) this.#looks.set(make, (look = make(this)));
    return look as Promise<T>;
  }

  /** The model's variables as a program's inputs, and their types. */
  get variables() {
    const { params, model } = this.trainer.state as Record<"params" | "model", Tree<DeviceArray>>;
    return { arrays: { params, model }, types: { params: typesOf(params), model: typesOf(model) } };
  }

  dispose(): void {
    for (const look of this.#looks.values())
      look.then(
        (made) => made.dispose(),
        () => {}, // it failed where it was asked for
      );
    this.#looks.clear();
  }
}
