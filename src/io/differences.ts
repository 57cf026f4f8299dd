// What differs between what a file holds and what is wanted, in words.
import { printType, sameType, type TensorType } from "../shape/types.ts";

/** What must be equal for training to go on bit for bit. */
export type Config = Readonly<Record<string, string | number>>;

/** What functions compute, by what they are of: the parts of each graph, and last its checksum. */
export type Descriptions = Readonly<Record<string, readonly string[]>>;

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

/** What the values of one configuration are where another's differ. */
export const differing = (config: Config, wanted: Config): string[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(config)])]
    .filter((key) => config[key] !== wanted[key])
    .map((key) => `${key} ${config[key]} (vs ${wanted[key]})`);

/** What of the descriptions differs, or if that is but how their parts belong together, their checksums. */
export const differentlyDescribed = (found: Descriptions, wanted: Descriptions): string[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(found)])].flatMap((key) => {
    const [a = [], b = []] = [found[key], wanted[key]];
    const [own, other] = [a.filter((part) => !b.includes(part)), b.filter((part) => !a.includes(part))];
    if (own.length + other.length === 0) return [];
    const most = own.length + other.length > 2 ? -1 : undefined;
    const [has, vs] = [own, other].map((parts) => listed(parts.slice(0, most)) || "nothing");
    return [`${key} ${has} (vs ${vs})`];
  });
