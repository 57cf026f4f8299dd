// Numbers, sizes and times as people read them.

const integers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 12,345 */
export const count = (n: number): string => integers.format(n);

const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** As short as can be, for an axis: 0.5, 20, 1.5K. */
export const tick = (x: number): string => (Math.abs(x) < 1e-3 && x !== 0 ? x.toExponential(0) : short.format(x));

/** Three digits: 0.0123, 1.23, 123, 12.3 k, 1.23 M. */
export function number(x: number): string {
  if (!Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size < 1e-3) return x.toExponential(2);
  const [scale, unit] = size >= 1e9 ? [1e9, " G"] : size >= 1e6 ? [1e6, " M"] : size >= 1e4 ? [1e3, " k"] : [1, ""];
  const scaled = x / scale;
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(scaled))));
  return (unit === "" && size >= 100 ? integers.format(x) : scaled.toFixed(digits)) + unit;
}

/** 97.3 % */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** 512 B, 12.3 kB, 4.5 MB */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const [scale, unit] = n >= 1e9 ? [1e9, "GB"] : n >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  return `${(n / scale).toFixed(n / scale < 10 ? 2 : 1)} ${unit}`;
}

/** 12.3 µs, 4.5 ms, 187 ms, 3.2 s, 2 min 5 s */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const short = (n: number) => n.toFixed(n < 100 ? 1 : 0);
  if (seconds < 1e-3) return `${short(1e6 * seconds)} µs`;
  if (seconds < 1) return `${short(1e3 * seconds)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${Math.round(seconds - 60 * minutes)} s`;
}
