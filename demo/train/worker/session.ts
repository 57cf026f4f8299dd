// A session: the trainer of one setup and the programs that look into it, made when first asked for and freed with it.
import { type Device, type DeviceArray, Trainer, type TrainerOptions, type Tree } from "wgrad";
import type { Hosted } from "wgrad/worker";
import type { Setup } from "../tasks.ts";
import type { Made } from "./models.ts";
import { typesOf } from "./programs.ts";

type OnLost = NonNullable<TrainerOptions["onLost"]>;

interface Disposable {
  dispose(): void;
}

export class Session implements Hosted {
  readonly setup: Setup;
  readonly made: Made;
  readonly trainer: Trainer;
  readonly #looks = new Map<unknown, Promise<Disposable>>();
  #lookedOn: Device | undefined;

  private constructor(setup: Setup, made: Made, trainer: Trainer) {
    this.setup = setup;
    this.made = made;
    this.trainer = trainer;
  }

  /** `lost` is told when the device is lost, and gives another. */
  static async create(device: Device, setup: Setup, made: Made, lost: OnLost): Promise<Session> {
    const { batch: batchSize, seed } = setup;
    const onLost = device.kind === "gpu" ? { onLost: lost, keepEvery: 2 } : {};
    return new Session(setup, made, await Trainer.create({ ...made.settings, ...onLost, device, batchSize, seed }));
  }

  get device(): Device {
    return this.trainer.device;
  }

  /** What `make` makes of this session, made once a device. */
  look<T extends Disposable>(make: (session: Session) => Promise<T>): Promise<T> {
    if (this.#lookedOn !== this.device) this.dispose();
    this.#lookedOn = this.device;
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
