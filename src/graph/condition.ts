// Conditions in WGSL, folded where they are known.

/** All of them hold. Joined by `&`, which evaluates both: `&&` is a branch, and a dozen in a row take SwiftShader a minute to compile. */
export function allOf(...conditions: readonly string[]): string {
  if (conditions.includes("false")) return "false";
  const open = [...new Set(conditions.filter((c) => c !== "true"))];
  return open.length === 0
    ? "true"
    : open.length === 1
      ? (open[0] as string)
      : `(${open.map((c) => `(${c})`).join(" & ")})`;
}
