// The keeper: a copy of the training state in the host's memory, and the way from there to another device when the one at work is lost. A
// step is a function of state and data alone, so what was lost is computed again, to the bit.
import type { Dataset } from "../data/dataset.ts";
import type { Device, DeviceArray } from "../device.ts";
import { differing } from "../io/differences.ts";
import { DeviceError, DeviceLostError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { isDeviceArray, type Trees } from "./program.ts";
import { openSession, readState, type Session, stepOf } from "./session.ts";
import type { Trainer, TrainerOptions } from "./trainer.ts";

/** Where training goes on. */
export interface NextDevice {
  /** The other one. */
  readonly device: Device;
  /** The same data, where those of the trainer were arrays of the lost device. Default: the host arrays that the trainer was given. */
  readonly data?: Dataset<NdArray | DeviceArray>;
}

/** Finds the next device. */
export type SupplyDevice = (lost: DeviceLostError) => NextDevice | Promise<NextDevice>;

/** "fail": what is under way throws DeviceLostError. "resume": training goes on by itself, on another device of the same request. For a host's
 *  device, a function that supplies the next one. */
export type OnLost = "fail" | "resume" | SupplyDevice;

/** Seconds before the first attempt at another device, the second, …: a driver that has failed comes back after a while, and Chrome gives a page
 *  none for two minutes when its GPU process has crashed twice. */
const pauses = [0, 0.2, 1, 4, 15, 60, 60, 60];
/** Devices that are lost in turn before anything was done on them. */
const mostLost = 4;
const defaultEvery = 5;

const seconds = (): number => performance.now() / 1000;

/** Rejects with the signal's reason when it is aborted. */
const sleep = (s: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * s);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

/** Steps of a submit, when steps are done again. */
const replayed = 32;

/** The session that takes the place of a lost one: it goes on from `state` up to `step`. Throws ValueError unless training is the same in it. */
export async function reopen(
  options: TrainerOptions,
  lost: Session,
  state: Trees<NdArray>,
  step: number,
): Promise<Session> {
  const session = await openSession(options, () => state);
  try {
    const other = differing(session.config, lost.config);
    if (other.length)
      throw new ValueError(`onLost: the next device has other data, ${other.join(", ")}; give it the same`);
    for (let at = stepOf(state); at < step; at += replayed) {
      session.program.run({ state: session.state, data: session.data }, { repeat: Math.min(replayed, step - at) });
      await session.device.synchronize();
    }
  } catch (error) {
    session.dispose();
    throw error;
  }
  return session;
}

type Move = (next: NextDevice, state: Trees<NdArray>) => Promise<void>;

export class Keeper {
  readonly #trainer: Trainer;
  readonly #next: SupplyDevice;
  readonly #move: Move;
  readonly #every: number;
  #kept: Promise<Trees<NdArray>>;
  #keptAt = seconds();
  #reported: number | null = null;
  #attempts = 0;
  #moving: Promise<void> | null = null;

  /** `move` brings the trainer to a device, at its step. */
  constructor(
    trainer: Trainer,
    { onLost, keepEvery = defaultEvery }: TrainerOptions,
    state: Trees<NdArray>,
    move: Move,
  ) {
    this.#trainer = trainer;
    this.#next = typeof onLost === "function" ? onLost : async () => ({ device: await trainer.device.renew!() });
    this.#every = keepEvery;
    this.#kept = Promise.resolve(state);
    this.#move = move;
  }

  /** Whether it is time to keep the state again. */
  get due(): boolean {
    return seconds() >= this.#keptAt + this.#every;
  }

  /** What to go back to from now on. */
  keep(state: Trees<NdArray>): void {
    this.#kept = Promise.resolve(state);
    this.#keptAt = seconds();
  }

  /** The state was changed by hand: what was kept leads there no more. */
  rebase(): void {
    this.#kept = readState(this.#trainer);
    this.#kept.catch(() => {}); // it is thrown where it is wanted
    this.#keptAt = seconds();
  }

  /** The fit under way has told of this step: there it goes on. Null: none is under way, and all steps were told of. */
  reported(step: number | null): void {
    this.#reported = step;
    this.succeeded();
  }

  /** Things go well: the next loss is the first again. */
  succeeded(): void {
    this.#attempts = 0;
  }

  /** After `error` on `device`: brings the trainer to another one. Throws the error if it is not of a lost device, or if devices are lost time
   *  and again without anything done between; and the signal's reason when that is aborted first. */
  async recover(error: unknown, device: Device, signal?: AbortSignal): Promise<void> {
    if (this.#trainer.device !== device) return; // somebody else has seen it first, and disposed of what was there
    if (!(error instanceof DeviceLostError)) throw error;
    this.#moving ??= this.#recover(error, signal).finally(() => {
      this.#moving = null;
    });
    await this.#moving;
  }

  async #recover(lost: DeviceLostError, signal: AbortSignal | undefined): Promise<void> {
    const state = await this.#kept.catch(() => {
      throw lost;
    });
    if (this.#reported !== null) this.#trainer.step = this.#reported;
    let reason: DeviceError = lost;
    for (;;) {
      const pause = pauses[this.#attempts++];
      if (pause === undefined || (reason instanceof DeviceLostError && this.#attempts > mostLost)) throw reason;
      signal?.throwIfAborted();
      if (pause > 0) await sleep(pause, signal);
      try {
        return await this.#move(await this.#next(lost), state);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        reason = error;
      }
    }
  }
}

/** Throws ValueError if the options cannot be kept when the device is lost. */
export function checkOnLost({ onLost = "fail", keepEvery = defaultEvery, device, data }: TrainerOptions): void {
  if (!(keepEvery >= 0)) throw new ValueError(`Trainer: keepEvery must be seconds ≥ 0, got ${keepEvery}; correct it`);
  if (typeof onLost === "function" || onLost === "fail" || device.kind === "cpu") return;
  if (onLost !== "resume") throw new ValueError(`Trainer: no onLost ${onLost}; use fail, resume or a function`);
  if (!device.renew)
    throw new ValueError(
      `Trainer: onLost cannot ask for another ${device.name}, which is its host's; give a function that supplies it`,
    );
  if (isDeviceArray(data.x) || isDeviceArray(data.y))
    throw new ValueError(
      "Trainer: data that live on the device are lost with it; for onLost give a function that supplies them again",
    );
}
