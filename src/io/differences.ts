// What differs between what a file holds and what is wanted, in words.
import { printType, sameType, type TensorType } from "../shape/types.ts";

type Types = ReadonlyMap<string, TensorType>;

/** Of arrays by name: each that is missing, of another type, or more than is wanted. */
export function differences(found: Types, wanted: Types): string[] {
  const missing = [...wanted].filter(([name]) => !found.has(name));
  const extra = [...found].filter(([name]) => !wanted.has(name));
  const other = [...wanted].filter(([name, type]) => found.has(name) && !sameType(found.get(name)!, type));
  return [
    ...other.map(([name, type]) => `${name} ${printType(found.get(name)!)} (vs ${printType(type)})`),
    ...missing.map(([name, type]) => `no ${name} (vs ${printType(type)})`),
    ...extra.map(([name, type]) => `${name} ${printType(type)} (vs none)`),
  ];
}

/** The first few. */
export const listed = (all: readonly string[], most = 8): string =>
  all.length > most ? `${all.slice(0, most).join(", ")} and ${all.length - most} more` : all.join(", ");
