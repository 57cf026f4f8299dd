// How the model does on images that it has not trained on: loss, accuracy, confusion, and the worst mistakes.
import { type Dataset, takeExamples } from "wgrad";
import type { Session } from "./session.ts";

export interface Mistake {
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly predicted: number;
  /** The probability that it gave its prediction. */
  readonly confidence: number;
}

export interface Review {
  /** Of the model: steps that had been done. */
  readonly step: number;
  readonly examples: number;
  readonly loss: number;
  readonly accuracy: number;
  /** [label][prediction]: how often. */
  readonly confusion: readonly (readonly number[])[];
  /** The surest first. */
  readonly mistakes: readonly Mistake[];
}

const classes = 10;
const shownMistakes = 20;

export function softmax(logits: Iterable<number>): number[] {
  const values = [...logits];
  const most = Math.max(...values);
  const powers = values.map((v) => Math.exp(v - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}

/** Of the first `examples` images of the test set. */
export async function review({ trainer, made: { test } }: Session, examples: number): Promise<Review> {
  const { step } = trainer;
  const { x, y } = takeExamples(test as Dataset, 0, examples);
  const logits = await trainer.predict(x);
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const mistakes: Mistake[] = [];
  const size = x.data.length / examples;
  let loss = 0;
  for (let i = 0; i < examples; i++) {
    const probabilities = softmax(logits.data.subarray(i * classes, (i + 1) * classes));
    const label = y.data[i] as number;
    const confidence = Math.max(...probabilities);
    const predicted = probabilities.indexOf(confidence);
    loss -= Math.log(Math.max(probabilities[label] as number, 1e-38));
    (confusion[label] as number[])[predicted]!++;
    if (predicted !== label)
      mistakes.push({ pixels: x.data.slice(i * size, (i + 1) * size) as Uint8Array, label, predicted, confidence });
  }
  mistakes.sort((a, b) => b.confidence - a.confidence);
  return {
    ...{ step, examples, confusion, loss: loss / examples, accuracy: 1 - mistakes.length / examples },
    mistakes: mistakes.slice(0, shownMistakes),
  };
}
