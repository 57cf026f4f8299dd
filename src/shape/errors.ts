// Every error that wgrad throws. Three kinds: the caller's (thrown where the op is called, before any GPU work),
// the device's, and ours. Messages read `<op>: <what is wrong>, <types> (<got> vs <wanted>); <what to do>`.

/** Every error of the library is one. */
export class WgradError extends Error {
  /** That of its class. */
  override name = "WgradError";
}

/** The caller's: a rank, size or axis that does not fit. */
export class ShapeError extends WgradError {
  override name = "ShapeError";
}

/** The caller's: a dtype that the op does not take. */
export class DTypeError extends WgradError {
  override name = "DTypeError";
}

/** The caller's: a value out of range (a negative learning rate, a label ≥ the class count, an empty data set). */
export class ValueError extends WgradError {
  override name = "ValueError";
}

/** The caller's: an array that was disposed, or that lives on another device. */
export class ArrayError extends WgradError {
  override name = "ArrayError";
}

/** The caller's: bytes that are no file of their format: truncated, damaged, or made to deceive. */
export class FormatError extends WgradError {
  override name = "FormatError";
}

/** The caller's: a checkpoint of another model, optimizer, data set, batch size or format. The message says what differs. */
export class CheckpointError extends WgradError {
  override name = "CheckpointError";
}

/** The caller's: what a file or a model asks for, and the library does not have. */
export class UnsupportedError extends WgradError {
  override name = "UnsupportedError";
}

/** The device's: no adapter, a limit exceeded, a validation or out-of-memory error. */
export class DeviceError extends WgradError {
  override name = "DeviceError";
}

export class DeviceLostError extends DeviceError {
  override name = "DeviceLostError";
}

/** Training met a value that is not finite; the weights of the last good report are kept. */
export class NonFiniteError extends WgradError {
  override name = "NonFiniteError";
}

/** Ours. */
export class InternalError extends WgradError {
  override name = "InternalError";
  constructor(message: string) {
    super(`${message}; this is a bug in wgrad, please report it`);
  }
}
